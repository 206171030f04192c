"""Commands and queries of licensing, called on the real database by several callers at once, without HTTP."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from typing import Any, Final
from uuid import UUID

import asyncpg

from services.licensing.store import licenses
from services.licensing.store.catalog import Catalog
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.process import settle_memory
from tests.bench import child
from tests.bench.purchases import buy
from tests.bench.testbed import buyer

CALLERS: Final = 16
_POOL: Final = 16
_SAMPLE: Final = 2_000
_SOME: Final = """
    SELECT tenant_id, id FROM (
        SELECT tenant_id, id, row_number() OVER (PARTITION BY tenant_id ORDER BY random()) AS place
        FROM licensing.licenses
    ) AS numbered WHERE place <= $1
"""
_PAGE: Final = 51

Operation = Callable[[UUID], Awaitable[None]]


async def run(url: str, operation: str, tenants: list[str], seconds: float) -> dict[str, Any]:
    """How many a second, with as many callers as CALLERS, each of which speaks for its own share of the tenants."""
    async with connect(
        url, role="licensing_app", schema="licensing", size=_POOL, application="bench"
    ) as database:
        do = await _OPERATIONS[operation](database, url)
        known = [UUID(tenant) for tenant in tenants]
        own = [known[place::CALLERS] or [known[place % len(known)]] for place in range(CALLERS)]
        # What a process asks about a tenant only once is no matter of how many there are.
        for tenant in known:
            await do(tenant)
        settle_memory()
        count = 0
        began = time.perf_counter()
        end = began + seconds

        async def call(its: Sequence[UUID]) -> None:
            nonlocal count
            for tenant in cycle(its):
                if time.perf_counter() >= end:
                    break
                await do(tenant)
                count += 1

        await asyncio.gather(*map(call, own))
        return {"rate": count / (time.perf_counter() - began)}


async def _purchase(database: Database, _: str) -> Operation:
    catalog = await Catalog.load(database)
    clocks = Clocks(sandboxes=True)

    async def purchase(tenant: UUID) -> None:
        async with database.begin(tenant) as session:
            buy(session, catalog, by=buyer(tenant), now=await clocks.now_for_write(session))

    return purchase


async def _read(database: Database, url: str) -> Operation:
    known = await _some_licenses(url)

    async def read(tenant: UUID) -> None:
        async with database.read(tenant) as session:
            await licenses.get(session, random.choice(known[tenant]))  # noqa: S311 -- chance, not secrecy

    return read


async def _list(database: Database, url: str) -> Operation:
    known = await _some_licenses(url)

    async def page(tenant: UUID) -> None:
        after = random.choice(known[tenant])  # noqa: S311 -- chance, not secrecy
        async with database.read(tenant) as session:
            await licenses.page(session, after=after, most=_PAGE, status=None, sku=None)

    return page


_OPERATIONS: Final = {"purchase": _purchase, "license read": _read, "license list": _list}


async def _some_licenses(url: str) -> dict[UUID, list[UUID]]:
    """A sample over all the rows of each tenant."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(_SOME, _SAMPLE)
    finally:
        await connection.close()
    known: dict[UUID, list[UUID]] = {}
    for row in rows:
        known.setdefault(row["tenant_id"], []).append(row["id"])
    return known


if __name__ == "__main__":
    child.do(run)
