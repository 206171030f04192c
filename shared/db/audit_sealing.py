"""Seals audit events into their chains, moments after they were written, so that no writer waits for another.

One sealer works at a time, held by an advisory lock on its own connection. An event is sealed once nothing
that happened before it can still turn up: no older transaction is under way, and time has done to the tenant
all that was due by then. Should something turn up later all the same, an event from a service that was not
heard for long, it takes the time of the chain's end: a chain's times never run backwards.

What is not sealed is found by the events' ids, which are in the order of their making. Nothing is remembered
here but how far that search has come; a restart begins it anew.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any, Final
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, bindparam, case, func, null, or_, select, text

from shared.audit_chain import FIRST_PREVIOUS, Chain
from shared.canonical_json import canonical
from shared.clock import wall_clock
from shared.db.audit_trail import as_shown
from shared.db.database import Database, Record, session_settings
from shared.db.statement import Statement
from shared.db.tables import Moment, audit_events, audit_seals, tenants
from shared.schedule import SETTLED_AFTER

_PAUSE: Final = 0.2
_LOCK_PAUSE: Final = 0.5
_LOOK_AGAIN_EVERY: Final = 5.0
"""Seconds between two looks for what was committed long after it was made."""
_BATCH: Final = 500
_CHAINS: Final = 64
"""How many events and how many chains one transaction seals at most."""
_PAGE: Final = 2_000
"""Events that one look for unsealed ones goes over."""

HORIZON: Final = timedelta(seconds=2)
"""How long a writer may take from asking what time it is to its first write."""

_LAST_ID: Final = UUID(int=2**128 - 1)

_PLANNED_ANEW: Final = "force_custom_plan"
"""A plan that PostgreSQL made and kept while a table was young goes over all of it when it has grown."""

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || ' seals'))"
_UNDER_WAY: Final = """
    SELECT pg_snapshot_xmin(now)::text::bigint AS oldest, pg_snapshot_xmax(now)::text::bigint AS next
    FROM pg_current_snapshot() AS now
"""
_PAGE_END: Final = Statement(
    select(audit_events.c.id)
    .where(audit_events.c.id > bindparam("after"))
    .order_by(audit_events.c.id)
    .offset(_PAGE - 1)
    .limit(1)
)
_PLAN_ANEW: Final = Statement(text(f"SET LOCAL plan_cache_mode = {_PLANNED_ANEW}"))
_LAST_SEALS: Final = Statement(
    text(
        """
        SELECT last.* FROM unnest(CAST(:chains AS uuid[])) AS asked (chain)
        CROSS JOIN LATERAL (
            SELECT chain, sequence, at, hash FROM audit_seals
            WHERE audit_seals.chain = asked.chain ORDER BY sequence DESC LIMIT 1
        ) AS last
        """
    )
)
_TO_SEAL: Final = Statement(
    text(
        """
        SELECT event.* FROM unnest(
            CAST(:tenants AS uuid[]), CAST(:chains AS uuid[]),
            CAST(:froms AS timestamptz[]), CAST(:untils AS timestamptz[])
        ) AS asked (tenant_id, chain, from_at, until_at)
        CROSS JOIN LATERAL (
            SELECT * FROM audit_events
            WHERE audit_events.tenant_id = asked.tenant_id AND audit_events.chain = asked.chain
            AND audit_events.at BETWEEN asked.from_at AND asked.until_at
            AND NOT EXISTS (SELECT FROM audit_seals WHERE audit_seals.event_id = audit_events.id)
            ORDER BY audit_events.at, audit_events.id LIMIT :most
        ) AS event
        ORDER BY event.chain, event.at, event.id LIMIT :most
        """
    )
)


async def seal_audit(
    url: str, database: Database, *, schema: str, due: ColumnElement[Any] | None = None
) -> None:
    """Run for ever. Raises when a connection is lost.

    `due` is a scalar subquery of `tenants.tenant_id`: when time changes something of the tenant next.
    """
    connection = await asyncpg.connect(
        url,
        timeout=10,
        command_timeout=15,
        server_settings={
            **session_settings(f"{schema}_scheduler", schema, f"siteward {schema} seals"),
            "plan_cache_mode": _PLANNED_ANEW,
        },
    )
    try:
        while not await connection.fetchval(_LOCK):  # noqa: ASYNC110 -- what is waited for is another process
            await asyncio.sleep(_LOCK_PAUSE)
        search = _Search(connection, due)
        while True:
            ready = await search.ready()
            sealed = await _seal(database, ready) if ready else 0
            more = sealed >= _BATCH or len(ready) >= _CHAINS
            if not (sealed and more):  # what has come meanwhile is cheaper to seal with what will come
                await asyncio.sleep(_PAUSE)
    finally:
        connection.terminate()


@dataclass(slots=True)
class _Ready:
    """A chain with events to seal."""

    tenant_id: UUID
    from_at: datetime
    until: datetime
    """What happened later than this waits."""


class _Search:
    """Finds the chains of all tenants that have something to seal."""

    def __init__(self, connection: asyncpg.Connection, due: ColumnElement[Any] | None) -> None:
        self._connection = connection
        self._settled = _Settled()
        self._unsealed = _unsealed(due)
        self._looked_up_to = UUID(int=0)
        """Events with ids up to this one are sealed, but for such as were committed after it was looked for them."""
        self._sealed_up_to = UUID(int=0)
        """All events with ids up to this one are sealed, and none can turn up any more."""
        self._looks_again_at = 0.0

    async def ready(self) -> dict[UUID, _Ready]:
        """Chains with events that can be sealed now, enough of them for one transaction."""
        settled = await self._settled.look(self._connection)
        complete = _first_id(settled - SETTLED_AFTER)
        ready: dict[UUID, _Ready] = {}
        if (now := time.monotonic()) >= self._looks_again_at:
            self._looks_again_at = now + _LOOK_AGAIN_EVERY
            end = min(self._looked_up_to, complete)
            self._sealed_up_to = await self._look(ready, self._sealed_up_to, end, settled)
        after = max(self._sealed_up_to, self._looked_up_to)
        self._looked_up_to = min(await self._look(ready, after, _LAST_ID, settled), _first_id(settled))
        if after == self._sealed_up_to:  # after a start: what is old already need not be gone over twice
            self._sealed_up_to = min(self._looked_up_to, complete)
        return ready

    async def _look(self, ready: dict[UUID, _Ready], after: UUID, last: UUID, settled: datetime) -> UUID:
        """Add what is ready of the events with ids in (after, last]; up to which id all that are there are sealed."""
        oldest: UUID | None = None
        events = 0
        while after < last and events < _BATCH and len(ready) < _CHAINS:
            end = min(await self._fetchval(_PAGE_END, after=after) or last, last)
            found = await self._fetch(self._unsealed, after=after, end=end, settled=settled)
            if oldest is None and found:
                oldest = found[0]["id"]
            for row in found:
                if row["at"] <= row["until"]:
                    events += 1
                    one = ready.setdefault(row["chain"], _Ready(row["tenant_id"], row["at"], row["until"]))
                    one.from_at = min(one.from_at, row["at"])
            after = end
        return after if oldest is None else UUID(int=oldest.int - 1)

    async def _fetch(self, statement: Statement, **parameters: Any) -> list[Record]:
        return await self._connection.fetch(statement.sql, *statement.arguments(parameters))  # type: ignore[no-any-return]

    async def _fetchval(self, statement: Statement, **parameters: Any) -> Any:
        return await self._connection.fetchval(statement.sql, *statement.arguments(parameters))


@dataclass(slots=True)
class _Settled:
    """Up to which moment of the world's clock everything is committed, or was never to be.

    Whoever had begun to write at a moment noted here is seen to have ended before the moment counts; whoever
    began later had asked for the time at most `HORIZON` before.
    """

    until: datetime = datetime.min.replace(tzinfo=UTC) + 2 * SETTLED_AFTER
    _noted: tuple[int, datetime] | None = None
    """The first transaction that had not begun at a moment, and that moment."""

    async def look(self, connection: asyncpg.Connection) -> datetime:
        now = wall_clock()
        row = await connection.fetchrow(_UNDER_WAY)
        if self._noted is not None and row["oldest"] >= self._noted[0]:
            self.until = self._noted[1] - HORIZON
            self._noted = None
        if self._noted is None:
            self._noted = (row["next"], now)
        return self.until


def _unsealed(due: ColumnElement[Any] | None) -> Statement:
    """Of the events with ids in (after, end] that are not sealed, those that can be now, and the first in any case."""
    events = (
        select(
            audit_events.c.id,
            audit_events.c.tenant_id,
            audit_events.c.chain,
            audit_events.c.at,
            func.first_value(audit_events.c.id).over(order_by=audit_events.c.id).label("first"),
        )
        .where(
            audit_events.c.id > bindparam("after"),
            audit_events.c.id <= bindparam("end"),
            ~select(audit_seals.c.event_id)
            .where(
                audit_seals.c.event_id == audit_events.c.id,
                # Said once more, so that not all seals there are need to be gone over.
                audit_seals.c.event_id > bindparam("after"),
                audit_seals.c.event_id <= bindparam("end"),
            )
            .exists(),
        )
        .cte("events")
    )
    # Once a tenant, however many events it has.
    owners = select(events.c.tenant_id).distinct().subquery("owners")
    present = case((tenants.c.clock.is_(None), bindparam("settled", type_=Moment)), else_=tenants.c.clock)
    complete = (
        select(owners.c.tenant_id, func.least(present, null() if due is None else due).label("until"))
        .outerjoin(tenants, tenants.c.tenant_id == owners.c.tenant_id)
        # Worked out for each of them, and not for each event: else PostgreSQL would carry it into the join.
        .cte("complete")
        .prefix_with("MATERIALIZED")
    )
    return Statement(
        select(events, complete.c.until)
        .join(complete, complete.c.tenant_id == events.c.tenant_id)
        .where(or_(events.c.at <= complete.c.until, events.c.id == events.c.first))
        .order_by(events.c.id)
    )


async def _seal(database: Database, ready: dict[UUID, _Ready]) -> int:
    """Seal what is first in each chain, a bounded number in all; how many events that were."""
    ready = dict(islice(ready.items(), _CHAINS))
    async with database.begin(*{one.tenant_id for one in ready.values()}) as session:
        await session.rows(_PLAN_ANEW)
        ends = {
            row["chain"]: Chain(row["sequence"], row["hash"], row["at"], canonical=canonical)
            for row in await session.rows(_LAST_SEALS, chains=list(ready))
        }
        for chain, one in ready.items():
            end = ends.setdefault(chain, Chain(0, FIRST_PREVIOUS, canonical=canonical))
            # What happened since the last seal, also where the search has not come to it.
            one.from_at = min(one.from_at, end.at) if end.at else datetime.min.replace(tzinfo=UTC)
        rows = await session.rows(
            _TO_SEAL,
            tenants=[one.tenant_id for one in ready.values()],
            chains=list(ready),
            froms=[one.from_at for one in ready.values()],
            untils=[one.until for one in ready.values()],
            most=_BATCH,
        )
        for row in rows:
            end = ends[row["chain"]]
            at = max(row["at"], end.at or row["at"])
            place = {"at": at, "sequence": end.sequence + 1, "previous_hash": end.hash}
            end.seal(as_shown({**row, **place}), at)
            await asyncio.sleep(0)  # the process's other loops do not wait for a batch's hashes
            session.writes.insert(
                audit_seals,
                tenant_id=row["tenant_id"],
                chain=row["chain"],
                event_id=row["id"],
                **place,
                hash=end.hash,
            )
    return len(rows)


def _first_id(moment: datetime) -> UUID:
    """No id that was made at this moment or later is below it (RFC 9562, UUIDv7)."""
    milliseconds = max(0, int(moment.timestamp() * 1000))
    return UUID(int=milliseconds << 80)
