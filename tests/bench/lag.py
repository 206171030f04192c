"""How long after its answer is a purchase readable in the projection, and how long does HTTP take meanwhile?"""

import asyncio
import time
from functools import partial
from typing import Any, Final
from uuid import UUID

import asyncpg
import orjson

from tests.bench import child
from tests.bench.customers import Customers
from tests.bench.end_to_end import CALLERS, settled_rate, warm_up
from tests.bench.load import at_a_rate
from tests.bench.measure import Figure, figure, in_turns, percentile
from tests.bench.testbed import Testbed, in_process

_POLL: Final = 0.004
"""Seconds between two looks where there is nothing to look for."""
_PATIENCE: Final = 30.0
_SHARES: Final = ((0.5, "half of own maximum", 10.0), (0.8, "80 % of own maximum", 20.0))
_REPETITIONS: Final = 9
"""More than elsewhere: of what a few seconds hold, the slowest hundredth scatters most."""
_LIMITED_BY: Final = "bare aiokafka round trip at the same rate"
# Looks every millisecond, for 4 ms at the most; within the server, for each question from outside costs the cores that
# are measured. A license's row is written by the transaction that also changes its tenant's plan.
_LOOK: Final = """
    CREATE FUNCTION pg_temp.readable(asked uuid[]) RETURNS SETOF uuid LANGUAGE plpgsql AS $$
    BEGIN
        FOR look IN 1..4 LOOP
            RETURN QUERY SELECT license_id FROM plans.held_licenses WHERE license_id = ANY (asked);
            EXIT WHEN FOUND;
            PERFORM pg_sleep(0.001);
        END LOOP;
    END $$
"""
_READABLE: Final = "SELECT license_id FROM pg_temp.readable($1::uuid[]) AS found (license_id)"


async def measure(bed: Testbed) -> list[Figure]:
    customers = await Customers.settle(bed, CALLERS)
    await warm_up(bed, customers)
    runs = [await settled_rate(bed, customers, through_gateway=True) for _ in range(3)]
    maximum = sorted(runs)[1]
    figures: list[Figure] = []
    for share, named, floor in _SHARES:
        rate = share * maximum
        job = {"rate": rate, "seconds": bed.seconds}
        requests = [customer.purchase for customer in customers.all]
        sides = {
            "ours": partial(
                in_process, "lag", address=bed.system.url, url=bed.database_url, requests=requests, **job
            ),
            "bare": partial(in_process, "round_trip", bootstrap=bed.system.kafka_bootstrap_servers, **job),
        }
        # What the rate before it has left to seal and to clear away is not of this one.
        await sides["ours"]()
        measured = await in_turns(sides, _REPETITIONS)
        ours, bare = measured["ours"], measured["bare"]
        remark = f"at {rate:,.0f} purchases/s"
        figures += [
            figure(
                f"event lag {point} at {named}",
                "ms",
                [1000 * one[point] for one in ours],
                [1000 * one[point] for one in bare],
                limited_by=_LIMITED_BY,
                at_most=floor if point == "p99" else None,
                remark=remark,
            )
            for point in ("p50", "p99")
        ]
    figures.append(
        figure(
            "HTTP p99 / p50 at 80 %",
            "ms",
            [1000 * one["http_p99"] for one in ours],
            [1000 * one["http_p50"] for one in ours],
            limited_by="own p50",
            at_most=10.0,
            remark=remark,
        )
    )
    await customers.leave()
    return figures


async def purchase_at_a_rate(
    address: str, url: str, requests: list[str], rate: float, seconds: float
) -> dict[str, Any]:
    """Buy at that rate, and watch the projection for every license from its answer on."""
    waiting: dict[UUID, float] = {}
    lags: list[float] = []
    sent = asyncio.Event()
    connection = await asyncpg.connect(url)
    await connection.execute(_LOOK)

    async def watch() -> None:
        while waiting or not sent.is_set():
            if waiting:
                rows = await connection.fetch(_READABLE, list(waiting))
                now = time.perf_counter()
                lags.extend(max(0.0, now - waiting.pop(row["license_id"])) for row in rows)
            else:
                await asyncio.sleep(_POLL)

    def answered(body: bytes, at: float) -> None:
        waiting[UUID(orjson.loads(body)["id"])] = at

    watching = asyncio.create_task(watch())
    http = await at_a_rate(address, requests, rate=rate, seconds=seconds, expected=201, answered=answered)
    sent.set()
    async with asyncio.timeout(_PATIENCE):
        await watching
    await connection.close()
    return {
        "p50": percentile(lags, 0.5),
        "p99": percentile(lags, 0.99),
        "http_p50": percentile(http, 0.5),
        "http_p99": percentile(http, 0.99),
    }


if __name__ == "__main__":
    child.do(purchase_at_a_rate)
