"""What a chain of the audit holds, and whether it is still as it was sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, Text, Uuid, bindparam, cast, func, or_, select, tuple_

from shared.audit_chain import Chain
from shared.canonical_json import canonical
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.db.tables import Moment, audit_events, audit_seals
from shared.events.wire import utc_text

_PAGE: Final = 500
_SHOWN: Final = ("id", "actor", "action", "resource", "before", "after", "reason", "request_id")
_OF_CHAIN: Final = (
    audit_events.c.tenant_id == bindparam("tenant"),
    audit_events.c.chain == bindparam("chain"),
)
_PLACE: Final = (audit_events.c.at, audit_events.c.id)
_RESOURCE: Final = cast(bindparam("resource"), Text)
_ACTOR: Final = cast(bindparam("actor"), Text)
_FROM: Final = cast(bindparam("from_"), Moment)
_TO: Final = cast(bindparam("to"), Moment)


# Both queries find their page in one table before they join the other, so that the planner has no other choice.


def _page(*further: Any) -> Select[Any]:
    found = (
        select(audit_events)
        .where(
            *_OF_CHAIN,
            *further,
            or_(_FROM.is_(None), audit_events.c.at >= _FROM),
            or_(_TO.is_(None), audit_events.c.at < _TO),
            or_(_RESOURCE.is_(None), audit_events.c.resource == _RESOURCE),
            or_(_ACTOR.is_(None), audit_events.c.actor == _ACTOR),
        )
        .order_by(*_PLACE)
        .limit(bindparam("most"))
        .subquery()
    )
    return (
        select(
            *(found.c[name] for name in _SHOWN),
            found.c.at.label("place"),
            func.coalesce(audit_seals.c.at, found.c.at).label("at"),
            audit_seals.c.sequence,
            audit_seals.c.previous_hash,
            audit_seals.c.hash,
        )
        .outerjoin(audit_seals, audit_seals.c.event_id == found.c.id)
        .order_by(found.c.at, found.c.id)
    )


_FIRST_PAGE: Final = Statement(_page())
_NEXT_PAGE: Final = Statement(
    _page(tuple_(*_PLACE) > tuple_(bindparam("after_at", type_=Moment), bindparam("after_id", type_=Uuid)))
)
_SEALS: Final = (
    select(audit_seals)
    .where(
        audit_seals.c.tenant_id == bindparam("tenant"),
        audit_seals.c.chain == bindparam("chain"),
        audit_seals.c.sequence > bindparam("after"),
    )
    .order_by(audit_seals.c.sequence)
    .limit(_PAGE)
    .subquery()
)
_WALK: Final = Statement(
    select(
        *(audit_events.c[name] for name in _SHOWN),
        audit_events.c.at.label("happened_at"),
        _SEALS.c.at,
        _SEALS.c.sequence,
        _SEALS.c.previous_hash,
        _SEALS.c.hash,
    )
    .select_from(_SEALS)
    .outerjoin(
        audit_events,
        (audit_events.c.id == _SEALS.c.event_id)
        & (audit_events.c.chain == _SEALS.c.chain)
        & (audit_events.c.tenant_id == _SEALS.c.tenant_id),
    )
    .order_by(_SEALS.c.sequence)
)
_COUNT: Final = Statement(
    select(
        select(func.count())
        .where(audit_seals.c.tenant_id == bindparam("tenant"), audit_seals.c.chain == bindparam("chain"))
        .scalar_subquery()
        .label("sealed"),
        select(func.count())
        .where(*_OF_CHAIN, ~select(audit_seals).where(audit_seals.c.event_id == audit_events.c.id).exists())
        .scalar_subquery()
        .label("unsealed"),
    )
)


@dataclass(frozen=True, slots=True)
class Verification:
    """Of a chain, by hashing all of it anew."""

    sealed: int
    unsealed: int
    """Events that are not in the chain yet."""
    first_broken: int | None
    """The sequence of the first event that is missing, or is not as it was sealed."""


async def page(
    session: Session,
    chain: UUID,
    *,
    after: tuple[datetime, UUID] | None,
    most: int,
    resource: str | None,
    actor: str | None,
    from_: datetime | None,
    to: datetime | None,
) -> Sequence[Record]:
    """Events of the session's tenant, oldest first, that happened in [from_, to).

    `place` is where an event stands in this order, and `after` takes it with the event's id. `at` is the same
    but for an event that became known when later ones were sealed: that has the time of the place it got.
    """
    asked: dict[str, Any] = {
        "tenant": session.tenant_id,
        "chain": chain,
        "most": most,
        "resource": resource,
        "actor": actor,
        "from_": from_,
        "to": to,
    }
    if after is None:
        return await session.rows(_FIRST_PAGE, **asked)
    return await session.rows(_NEXT_PAGE, **asked, after_at=after[0], after_id=after[1])


async def verify(session: Session, chain: UUID) -> Verification:
    """Walk the chain of the session's tenant from its first event on."""
    counted = await session.row(_COUNT, tenant=session.tenant_id, chain=chain)
    broken = await _first_broken(session, chain)
    return Verification(
        sealed=counted["sealed"] if counted else 0,
        unsealed=counted["unsealed"] if counted else 0,
        first_broken=broken,
    )


async def _first_broken(session: Session, chain: UUID) -> int | None:
    walked = Chain(canonical=canonical)
    while True:
        rows = await session.rows(_WALK, tenant=session.tenant_id, chain=chain, after=walked.sequence)
        for row in rows:
            if not _is_next(walked, row):
                return walked.sequence + 1
        if len(rows) < _PAGE:
            return None


def _is_next(walked: Chain, row: Record) -> bool:
    if row["id"] is None or row["at"] != max(row["happened_at"], walked.at or row["happened_at"]):
        return False
    return walked.fault(as_shown(row) | {"hash": row["hash"]}) is None


def as_shown(row: Record) -> dict[str, Any]:
    """The event as the API shows it, but for its `hash`."""
    return {
        "id": str(row["id"]),
        "at": utc_text(row["at"]),
        "actor": row["actor"],
        "action": row["action"],
        "resource": row["resource"],
        "before": row["before"],
        "after": row["after"],
        "reason": row["reason"],
        "request_id": row["request_id"],
        "sequence": row["sequence"],
        "previous_hash": row["previous_hash"],
    }
