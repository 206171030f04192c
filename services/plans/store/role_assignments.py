"""Who has which role on a subscription, in PostgreSQL."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, delete, select

from services.plans.domain.subscription import Role
from services.plans.store.tables import role_assignments
from shared.db.database import Session
from shared.db.statement import Statement

_OF_SUBSCRIPTION: Final = (
    role_assignments.c.tenant_id == bindparam("tenant"),
    role_assignments.c.subscription_id == bindparam("subscription"),
)
_ASSIGNMENT: Final = select(
    role_assignments.c.principal, role_assignments.c.role, role_assignments.c.version
).where(*_OF_SUBSCRIPTION)
_GET: Final = Statement(_ASSIGNMENT.where(role_assignments.c.principal == bindparam("principal")))
_LIST: Final = Statement(
    _ASSIGNMENT.where(role_assignments.c.principal > bindparam("after"))
    .order_by(role_assignments.c.principal)
    .limit(bindparam("most"))
)
_OWNERS: Final = Statement(
    _ASSIGNMENT.where(role_assignments.c.role == "Owner").order_by(role_assignments.c.principal).limit(2)
)
_DELETE: Final = Statement(
    delete(role_assignments)
    .where(*_OF_SUBSCRIPTION, role_assignments.c.principal == bindparam("principal"))
    .returning(role_assignments.c.principal)
)


@dataclass(frozen=True, slots=True)
class RoleAssignment:
    principal: str
    role: Role
    version: int


async def find(session: Session, subscription_id: UUID, principal: str) -> RoleAssignment | None:
    row = await session.row(_GET, tenant=session.tenant_id, subscription=subscription_id, principal=principal)
    return None if row is None else RoleAssignment(**row)


async def page(
    session: Session, subscription_id: UUID, *, after: str | None, most: int
) -> list[RoleAssignment]:
    """By principal, those after `after`."""
    rows = await session.rows(
        _LIST, tenant=session.tenant_id, subscription=subscription_id, after=after or "", most=most
    )
    return [RoleAssignment(**row) for row in rows]


async def is_last_owner(session: Session, subscription_id: UUID, principal: str) -> bool:
    """Whether nobody else is Owner; the session has locked the subscription."""
    rows = await session.rows(_OWNERS, tenant=session.tenant_id, subscription=subscription_id)
    return [row["principal"] for row in rows] == [principal]


def save(session: Session, subscription_id: UUID, assignment: RoleAssignment, *, known: bool) -> None:
    write = session.writes.update if known else session.writes.insert
    write(
        role_assignments,
        subscription_id=subscription_id,
        principal=assignment.principal,
        tenant_id=session.tenant_id,
        role=assignment.role,
        version=assignment.version,
    )


async def remove(session: Session, subscription_id: UUID, principal: str) -> None:
    await session.rows(_DELETE, tenant=session.tenant_id, subscription=subscription_id, principal=principal)
