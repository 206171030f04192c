"""Does a read or a write cost more where there are many more rows, licenses of a tenant, or tenants?"""

from dataclasses import dataclass
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
_CALLED_FOR: Final = 1_000
"""Tenants for whom the callers speak, evenly among all that there are."""
_COPIED: Final = ("licenses", "audit_events")


@dataclass(frozen=True, slots=True)
class _Filled:
    """A database with so many tenants, and so many licenses of each."""

    tenants: int
    each: int


@dataclass(frozen=True, slots=True)
class _Question:
    name: str
    few: _Filled
    many: _Filled
    operations: tuple[str, ...]


_QUESTIONS: Final = (
    _Question(
        f"any read or write at 100 {_TIMES} the rows",
        _Filled(16, 125),
        _Filled(16, 12_500),
        ("purchase", "license read", "license list"),
    ),
    _Question(
        "at 100,000 licenses of one tenant",
        _Filled(1, 1),
        _Filled(1, 100_000),
        ("purchase", "license read", "license list"),
    ),
    _Question("at 10,000 tenants", _Filled(1, 1), _Filled(10_000, 1), ("purchase", "license read")),
)


async def measure(bed: Testbed) -> list[Figure]:
    figures = []
    for question in _QUESTIONS:
        figures += await _ask(bed, question)
    return figures


async def _ask(bed: Testbed, question: _Question) -> list[Figure]:
    filled = {
        filling: await _fill(
            await bed.database(f"rows_{filling.tenants}_{filling.each}_{uuid4().hex[:8]}"), filling
        )
        for filling in (question.few, question.many)
    }

    async def rate(filling: _Filled, operation: str) -> float:
        url, tenants = filled[filling]
        done = await in_process(
            "in_process",
            url=url,
            operation=operation,
            tenants=[str(tenant) for tenant in tenants[:: max(1, len(tenants) // _CALLED_FOR)]],
            seconds=bed.seconds / 2,  # there are many runs
        )
        return float(done["rate"])

    figures = []
    for operation in question.operations:
        rates = await in_turns(
            {
                "few": partial(rate, question.few, operation),
                "many": partial(rate, question.many, operation),
            },
            bed.repetitions,
        )
        figures.append(
            figure(
                f"{question.name}: {operation}",
                "µs",
                [1e6 / one for one in rates["many"]],
                [1e6 / one for one in rates["few"]],
                limited_by=f"the same, {question.few.tenants} tenant(s) with {question.few.each} each",
                at_most=1.5,
            )
        )
    return figures


async def _fill(url: str, filling: _Filled) -> tuple[str, list[UUID]]:
    """Repeat the rows of a real purchase, in the order in which purchases of all tenants would come."""
    first, tenants = uuid4(), [uuid4() for _ in range(filling.tenants)]
    async with connect(
        url, role="licensing_app", schema="licensing", size=2, application="bench"
    ) as database:
        catalog = await Catalog.load(database)
        async with database.begin(first) as session:
            session.writes = rows_of_one(database, catalog, by=buyer(first), now=datetime.now(UTC))
    connection: Any = await asyncpg.connect(url)
    await connection.execute("SET search_path = licensing; DELETE FROM outbox")
    await connection.execute("INSERT INTO tenants (tenant_id) SELECT unnest($1::uuid[])", tenants)
    for table in _COPIED:
        columns = [
            row["column_name"]
            for row in await connection.fetch(
                "SELECT column_name FROM information_schema.columns"
                " WHERE table_schema = 'licensing' AND table_name = $1",
                table,
            )
        ]
        own = {"id": "uuidv7()", "tenant_id": "tenant", "chain": "tenant"}
        values = ", ".join(own.get(name, name) for name in columns)
        await connection.execute(
            f"INSERT INTO {table} ({', '.join(columns)})"  # noqa: S608 -- our own names
            f" SELECT {values} FROM generate_series(1, $1), unnest($2::uuid[]) AS tenant,"
            f" (SELECT * FROM {table} LIMIT 1) AS first",
            filling.each,
            tenants,
        )
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.close()
    return url, tenants
