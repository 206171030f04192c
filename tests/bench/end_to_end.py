"""How many purchases a second reach the plan: HTTP, transaction, relay, broker, consumer, projection."""

from typing import Final

from tests.bench.customers import Customers
from tests.bench.load import request
from tests.bench.measure import SHARED_COMMITS, Figure, figure, in_turns
from tests.bench.pgbench import LIMITED_BY, Pgbench
from tests.bench.purchases import BODY
from tests.bench.testbed import Testbed, buyer, in_process

_NAME: Final = "purchases/s end to end, projection included, one worker each"
CALLERS: Final = 16
_WARM_UP: Final = 3
"""Runs that do not count."""


async def measure(bed: Testbed) -> list[Figure]:
    customers = await Customers.settle(bed, CALLERS)
    limit = await Pgbench.prepare(await bed.database("end_to_end"))
    await warm_up(bed, customers)
    rates = await in_turns(
        {
            "gateway": lambda: settled_rate(bed, customers, through_gateway=True),
            "service": lambda: settled_rate(bed, customers, through_gateway=False),
            "pgbench": lambda: limit.rate(bed.seconds),
        },
        bed.repetitions,
    )
    await customers.leave()
    return [
        figure(
            _NAME + suffix,
            "purchases/s",
            rates[side],
            rates["pgbench"],
            limited_by=LIMITED_BY,
            at_least=0.30,
            remark_above_one=SHARED_COMMITS,
        )
        for side, suffix in (("service", ""), ("gateway", ", and the gateway"))
    ]


async def warm_up(bed: Testbed, customers: Customers) -> None:
    """Let the broker's compiler and the services' caches get to where they are after a while."""
    for _ in range(_WARM_UP):
        await settled_rate(bed, customers, through_gateway=True)


async def settled_rate(bed: Testbed, customers: Customers, *, through_gateway: bool) -> float:
    """Purchases a second from the first request until the plans know of the last license bought."""
    if through_gateway:
        address = bed.system.url
        requests = [customer.purchase for customer in customers.all]
    else:
        address = bed.system.url_of("licensing-api")
        requests = [
            request("POST", "/v1/licenses", bed.internal_token(buyer(customer.tenant)), BODY)
            for customer in customers.all
        ]
    before = await customers.settled()
    done = await in_process(
        "load", address=address, requests=requests, callers=CALLERS, seconds=bed.seconds, expected=201
    )
    settled_at = await customers.until_settled(before + done["count"])
    return float(done["count"] / (settled_at - done["began"]))
