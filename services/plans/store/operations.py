"""Operations in PostgreSQL: changes that take effect later, for those who poll."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import bindparam, select

from services.plans.domain.errors import OperationNotFound
from services.plans.store.tables import operations, role_assignments
from shared.db.database import Session
from shared.db.statement import Statement
from shared.identity import Principal

_GET: Final = Statement(
    select(operations)
    .join(role_assignments, role_assignments.c.subscription_id == operations.c.subscription_id)
    .where(
        operations.c.tenant_id == bindparam("tenant"),
        operations.c.id == bindparam("operation"),
        role_assignments.c.principal == bindparam("principal"),
    )
)

Kind = Literal["plan.cancel", "plan.edit", "enterprise_iot.cancel"]
Outcome = Literal["succeeded", "cancelled"]


@dataclass(frozen=True, slots=True)
class Operation:
    id: UUID
    tenant_id: UUID
    subscription_id: UUID
    kind: Kind
    status: Literal["not_started", "succeeded", "cancelled"]
    resource: str
    """The path of what it changes."""
    created_at: datetime
    effective_at: datetime
    finished_at: datetime | None


def begin(
    session: Session,
    operation_id: UUID,
    *,
    tenant_id: UUID,
    subscription_id: UUID,
    kind: Kind,
    resource: str,
    now: datetime,
    effective_at: datetime,
) -> None:
    session.writes.insert(
        operations,
        id=operation_id,
        tenant_id=tenant_id,
        subscription_id=subscription_id,
        kind=kind,
        status="not_started",
        resource=resource,
        created_at=now,
        effective_at=effective_at,
    )


def finish(session: Session, operation_id: UUID, outcome: Outcome, *, at: datetime) -> None:
    session.writes.update(operations, id=operation_id, status=outcome, finished_at=at)


async def get(session: Session, operation_id: UUID, *, seen_by: Principal) -> Operation:
    """Raises OperationNotFound, also where the caller has no role on the subscription."""
    row = await session.row(_GET, tenant=session.tenant_id, operation=operation_id, principal=seen_by.id)
    if row is None:
        raise OperationNotFound(operation_id)
    return Operation(**row)
