"""Events received: claimed in the transaction of their effect, so that a repeat has none."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, bindparam, column, func, select
from sqlalchemy.dialects.postgresql import insert

from shared.db.database import Database, Session
from shared.db.statement import Statement
from shared.db.tables import inbox, parked_events

_NEW: Final = (
    func.unnest(
        bindparam("events", type_=ARRAY(Uuid)),
        bindparam("sources", type_=ARRAY(Text)),
        bindparam("tenants", type_=ARRAY(Uuid)),
    )
    .table_valued(column("event_id", Uuid), column("source", Text), column("tenant_id", Uuid))
    .render_derived()
)
_CLAIM: Final = Statement(
    insert(inbox)
    .from_select(
        ["event_id", "source", "tenant_id"], select(_NEW.c.event_id, _NEW.c.source, _NEW.c.tenant_id)
    )
    .on_conflict_do_nothing()
    .returning(inbox.c.event_id, inbox.c.source)
)
_PARK: Final = Statement(
    insert(parked_events)
    .values({c.name: bindparam(c.name, type_=c.type) for c in parked_events.c if c.name != "parked_at"})
    .on_conflict_do_nothing()
    .returning(parked_events.c.key)
)


def claim_new(session: Session, events: Sequence[tuple[UUID, str, UUID]]) -> None:
    """Claim `(event id, source, tenant)`, each taken to be new, as most are: it costs no round trip of its own.

    Where one is not, what the session writes is refused with `asyncpg.UniqueViolationError`.
    """
    for event_id, source, tenant in events:
        session.writes.insert(inbox, event_id=event_id, source=source, tenant_id=tenant)


async def claim(session: Session, events: Sequence[tuple[UUID, str, UUID]]) -> set[tuple[UUID, str]]:
    """Claim `(event id, source, tenant)` for this session; those whose effect nobody has committed yet."""
    ids, sources, tenants = zip(*events, strict=True)
    rows = await session.rows(_CLAIM, events=ids, sources=sources, tenants=tenants)
    return {(row["event_id"], row["source"]) for row in rows}


async def park(
    database: Database,
    *,
    topic: str,
    partition: int,
    position: int,
    key: str,
    headers: Mapping[str, Any],
    value: bytes,
    reason: str,
) -> None:
    """Set a record aside as it came; a record that is parked already stays as it is."""
    async with database.begin() as session:
        await session.row(
            _PARK,
            topic=topic,
            partition=partition,
            position=position,
            key=key,
            headers=headers,
            value=value,
            reason=reason,
        )
