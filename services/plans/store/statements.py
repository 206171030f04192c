"""Statements in PostgreSQL: closed months as they were closed, and which months wait for it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select

from services.plans.store.tables import plans, statements
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.writes import Json

_AFTER_ALL: Final = "9999-99"
_OF_SUBSCRIPTION: Final = (
    statements.c.tenant_id == bindparam("tenant"),
    statements.c.subscription_id == bindparam("subscription"),
)
_GET: Final = Statement(
    select(statements.c.body).where(*_OF_SUBSCRIPTION, statements.c.month == bindparam("month"))
)
_LIST: Final = Statement(
    select(statements.c.body)
    .where(*_OF_SUBSCRIPTION, statements.c.month < bindparam("before"))
    .order_by(statements.c.month.desc())
    .limit(bindparam("most"))
)
_OPEN: Final = Statement(
    select(plans.c.statement_month).where(
        plans.c.tenant_id == bindparam("tenant"), plans.c.subscription_id == bindparam("subscription")
    )
)
_LOCK_OPEN: Final = Statement(
    select(plans.c.subscription_id)
    .where(plans.c.tenant_id == bindparam("tenant"), plans.c.statement_month == bindparam("month"))
    .order_by(plans.c.subscription_id)
    .limit(bindparam("most"))
    .with_for_update()
)


async def find(session: Session, subscription_id: UUID, month: str) -> Mapping[str, Any] | None:
    """The closed statement of the month (yyyy-mm), as JSON has it."""
    row = await session.row(_GET, tenant=session.tenant_id, subscription=subscription_id, month=month)
    return None if row is None else row["body"]


async def page(
    session: Session, subscription_id: UUID, *, before: str | None, most: int
) -> list[Mapping[str, Any]]:
    """The closed statements of months before `before` (yyyy-mm), newest first."""
    rows = await session.rows(
        _LIST,
        tenant=session.tenant_id,
        subscription=subscription_id,
        before=before or _AFTER_ALL,
        most=most,
    )
    return [row["body"] for row in rows]


async def first_open(session: Session, subscription_id: UUID) -> datetime | None:
    """The start of the oldest month that is not closed; None where none is open."""
    row = await session.row(_OPEN, tenant=session.tenant_id, subscription=subscription_id)
    return None if row is None else row["statement_month"]


async def lock_open(session: Session, month: datetime, *, most: int) -> list[UUID]:
    """Subscriptions of the session's tenant whose oldest open month starts at `month`; their plans are held."""
    rows = await session.rows(_LOCK_OPEN, tenant=session.tenant_id, month=month, most=most)
    return [row["subscription_id"] for row in rows]


def close(
    session: Session, subscription_id: UUID, month: str, body: str, *, tenant_id: UUID, at: datetime
) -> None:
    """Keep the statement (its JSON) for good."""
    session.writes.insert(
        statements,
        subscription_id=subscription_id,
        month=month,
        tenant_id=tenant_id,
        body=Json(body),
        closed_at=at,
    )


def move_on(session: Session, subscription_id: UUID, month: datetime | None) -> None:
    """Let `month` be the oldest that is open, of a plan that the session has locked; None: none is."""
    session.writes.update(plans, subscription_id=subscription_id, statement_month=month)
