"""How fast does a year pass for 10,000 licenses: each renewed, charged, audited, published, and its plan true?"""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import aiohttp

from tests.bench import sandbox_clock
from tests.bench.customers import token_of
from tests.bench.load import connect, request
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.pgbench import LIMITED_BY, Pgbench
from tests.bench.purchases import BODY
from tests.bench.testbed import Testbed, buyer

_LICENSES: Final = 10_000
_DAYS: Final = 10
"""On which they are bought, so that they are renewed at as many moments."""
_CALLERS: Final = 16
_START: Final = datetime(2026, 1, 10, 9, tzinfo=UTC)


async def measure(bed: Testbed) -> list[Figure]:
    limit = await Pgbench.prepare(await bed.database("year"))
    rates = await in_turns(
        {"ours": lambda: _renewals(bed), "pgbench": lambda: limit.rate(bed.seconds)}, bed.repetitions
    )
    return [
        figure(
            "clock jump of a year over 10,000 licenses",
            "renewals/s",
            rates["ours"],
            rates["pgbench"],
            limited_by=LIMITED_BY,
            remark="from the call until the tenant is quiet in both services, through the gateway",
        )
    ]


async def _renewals(bed: Testbed) -> float:
    """Renewals a second of a tenant of its own."""
    principal = buyer(uuid4())
    async with aiohttp.ClientSession(bed.system.url) as session:
        token = await token_of(session, principal)
        await sandbox_clock.begin(session, token, _START)
        for day in range(_DAYS):
            await _buy(bed, token, _LICENSES // _DAYS)
            await sandbox_clock.advance(session, token, _START + timedelta(days=day + 1))
        began = time.perf_counter()
        await sandbox_clock.advance(session, token, _START + timedelta(days=366 + _DAYS))
        return _LICENSES / (time.perf_counter() - began)


async def _buy(bed: Testbed, token: str, count: int) -> None:
    connections = [await connect(bed.system.url) for _ in range(_CALLERS)]
    wanted = request("POST", "/v1/licenses", token, BODY).encode()

    async def some(place: int) -> None:
        for _ in range(place, count, _CALLERS):
            if await connections[place].ask(wanted) != 201:
                raise RuntimeError(connections[place].body.decode())

    await asyncio.gather(*map(some, range(_CALLERS)))
    for connection in connections:
        connection.close()
