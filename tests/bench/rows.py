"""Does a read or a write cost more where there are a hundred times as many rows?"""

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg

from services.licensing.store.catalog import Catalog
from shared.db.database import connect
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.purchases import rows_of_one
from tests.bench.testbed import Testbed, buyer, in_process

_TIMES: Final = "\N{MULTIPLICATION SIGN}"
_NAME: Final = f"any read or write at 100 {_TIMES} the rows"
_OPERATIONS: Final = ("purchase", "license read", "license list")
_TENANTS: Final = 16
_EACH: Final = 125
"""Licenses of a tenant, once."""
_MANY: Final = 100
_COPIED: Final = ("licenses", "audit_events")
_FRESH_ID: Final = {"id": "uuidv7()"}


async def measure(bed: Testbed) -> list[Figure]:
    tenants = [uuid4() for _ in range(_TENANTS)]
    urls = {times: await bed.database(f"rows_{times}") for times in (1, _MANY)}
    for times, url in urls.items():
        await _fill(url, tenants, _EACH * times)

    async def rate(times: int, operation: str) -> float:
        done = await in_process(
            "in_process",
            url=urls[times],
            operation=operation,
            tenants=[str(tenant) for tenant in tenants],
            seconds=bed.seconds / 2,  # there are many runs
        )
        return float(done["rate"])

    figures = []
    for operation in _OPERATIONS:
        rates = await in_turns(
            {"few": partial(rate, 1, operation), "many": partial(rate, _MANY, operation)}, bed.repetitions
        )
        figures.append(
            figure(
                f"{_NAME}: {operation}",
                "µs",
                [1e6 / one for one in rates["many"]],
                [1e6 / one for one in rates["few"]],
                limited_by=f"the same at 1 {_TIMES}, {_EACH} licenses in each of {_TENANTS} tenants",
                at_most=1.5,
            )
        )
    return figures


async def _fill(url: str, tenants: list[UUID], each: int) -> None:
    """Repeat the rows of a real purchase, in the order in which purchases of all tenants would come."""
    async with connect(
        url, role="licensing_app", schema="licensing", size=2, application="bench"
    ) as database:
        catalog = await Catalog.load(database)
        for tenant in tenants:
            async with database.begin(tenant) as session:
                session.writes = rows_of_one(database, catalog, by=buyer(tenant), now=datetime.now(UTC))
    connection: Any = await asyncpg.connect(url)
    await connection.execute("SET search_path = licensing; DELETE FROM outbox")
    for table in _COPIED:
        columns = [
            row["column_name"]
            for row in await connection.fetch(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'licensing' AND table_name = $1",
                table,
            )
        ]
        values = ", ".join(_FRESH_ID.get(name, name) for name in columns)
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 -- our own names
            f" SELECT {values} FROM generate_series(2, $1), (SELECT * FROM {table}) AS first",
            each,
        )
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
