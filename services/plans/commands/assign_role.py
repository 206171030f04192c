"""The order of work of giving somebody a role on a subscription, and of taking it away."""

from dataclasses import replace
from datetime import datetime

from services.plans.domain.errors import LastOwner
from services.plans.domain.subscription import Role, Subscription
from services.plans.store import audit, role_assignments
from services.plans.store.role_assignments import RoleAssignment
from shared.db.database import Session
from shared.identity import Principal


async def assign_role(
    session: Session,
    subscription: Subscription,
    known: RoleAssignment | None,
    principal: str,
    role: Role,
    *,
    by: Principal,
    now: datetime,
) -> RoleAssignment:
    """Give the principal the one role; what is so already changes nothing. Raises LastOwner."""
    if known is not None and known.role == role:
        return known
    if known is not None and await role_assignments.is_last_owner(session, subscription.id, principal):
        raise LastOwner(subscription.id)
    given = (
        RoleAssignment(principal, role, 1)
        if known is None
        else replace(known, role=role, version=known.version + 1)
    )
    role_assignments.save(session, subscription.id, given, known=known is not None)
    _record(session, subscription, known, given, by=by, now=now)
    return given


async def remove_role(
    session: Session, subscription: Subscription, known: RoleAssignment, *, by: Principal, now: datetime
) -> None:
    """Take the principal's role away. Raises LastOwner."""
    if await role_assignments.is_last_owner(session, subscription.id, known.principal):
        raise LastOwner(subscription.id)
    await role_assignments.remove(session, subscription.id, known.principal)
    _record(session, subscription, known, None, by=by, now=now)


def _record(
    session: Session,
    subscription: Subscription,
    before: RoleAssignment | None,
    after: RoleAssignment | None,
    *,
    by: Principal,
    now: datetime,
) -> None:
    named = before or after
    audit.record(
        session,
        "role_assignment.changed" if after is not None else "role_assignment.removed",
        tenant_id=subscription.tenant_id,
        subscription_id=subscription.id,
        actor=by.id,
        at=now,
        resource=f"role-assignment/{subscription.id}/{named.principal if named else ''}",
        before=None if before is None else {"role": before.role},
        after={} if after is None else {"role": after.role},
    )
