"""How fast are purchases without HTTP, beside the same SQL without Python?"""

from uuid import uuid4

from tests.bench.measure import SHARED_COMMITS, Figure, figure, in_turns
from tests.bench.pgbench import LIMITED_BY, Pgbench
from tests.bench.testbed import Testbed, in_process

NAME = "write layer alone, 16 callers"


async def measure(bed: Testbed) -> list[Figure]:
    url = await bed.database("write_layer")
    limit = await Pgbench.prepare(url)
    tenants = [str(uuid4()) for _ in range(16)]

    async def commands() -> float:
        done = await in_process(
            "in_process", url=url, operation="purchase", tenants=tenants, seconds=bed.seconds
        )
        return float(done["rate"])

    rates = await in_turns(
        {"commands": commands, "pgbench": lambda: limit.rate(bed.seconds)}, bed.repetitions
    )
    return [
        figure(
            NAME,
            "purchases/s",
            rates["commands"],
            rates["pgbench"],
            limited_by=LIMITED_BY,
            at_least=0.70,
            remark_above_one=SHARED_COMMITS,
        )
    ]
