"""Subscriptions and the roles on them, in PostgreSQL."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, bindparam, cast, not_, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.plans.domain.errors import SubscriptionLinkedElsewhere, SubscriptionNotFound
from services.plans.domain.subscription import Role, Subscription
from services.plans.store.tables import plans, role_assignments, subscriptions
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.identity import Principal

_VISIBLE: Final = (
    select(subscriptions, role_assignments.c.role)
    .join(role_assignments, role_assignments.c.subscription_id == subscriptions.c.id)
    .where(
        subscriptions.c.tenant_id == bindparam("tenant"),
        role_assignments.c.tenant_id == bindparam("tenant"),
        role_assignments.c.principal == bindparam("principal"),
    )
)
_ONE: Final = _VISIBLE.where(subscriptions.c.id == bindparam("subscription"))
_GET: Final = Statement(_ONE)
_LOCK: Final = Statement(_ONE.with_for_update(of=subscriptions))
_HAS_PLAN: Final = (
    select(plans.c.subscription_id)
    .where(plans.c.subscription_id == subscriptions.c.id, plans.c.status != "cancelled")
    .exists()
)
_LIST: Final = Statement(
    _VISIBLE.where(
        subscriptions.c.id > bindparam("after"),
        role_assignments.c.role == cast(bindparam("roles"), ARRAY(Text)).any_(),
        or_(not_(bindparam("without_plan", type_=Boolean)), not_(_HAS_PLAN)),
    )
    .order_by(subscriptions.c.id)
    .limit(bindparam("most"))
)
_OWN: Final = Statement(
    select(subscriptions.c.id).where(
        subscriptions.c.tenant_id == bindparam("tenant"), subscriptions.c.id == bindparam("subscription")
    )
)
_LINK: Final = Statement(
    insert(subscriptions)
    .values(
        id=bindparam("subscription"),
        tenant_id=bindparam("tenant"),
        display_name=bindparam("display_name"),
        version=1,
    )
    .on_conflict_do_nothing()
    .returning(subscriptions.c.id)
)


async def link(session: Session, subscription_id: UUID, display_name: str, *, owner: Principal) -> bool:
    """Link the subscription to the owner's tenant; false where it is linked to that tenant already.

    Raises SubscriptionLinkedElsewhere, which is all that is ever said of another tenant's.
    """
    if not await link_for(session, subscription_id, display_name, tenant_id=owner.tenant_id, owner=owner.id):
        if await session.row(_OWN, tenant=owner.tenant_id, subscription=subscription_id) is None:
            raise SubscriptionLinkedElsewhere(subscription_id)
        return False
    return True


async def link_for(
    session: Session, subscription_id: UUID, display_name: str, *, tenant_id: UUID, owner: str
) -> bool:
    """Link the subscription to the tenant and make `owner` its Owner; false where it is linked, to whomever."""
    made = await session.row(_LINK, subscription=subscription_id, tenant=tenant_id, display_name=display_name)
    if made is None:
        return False
    session.writes.insert(
        role_assignments,
        subscription_id=subscription_id,
        principal=owner,
        tenant_id=tenant_id,
        role="Owner",
        version=1,
    )
    return True


async def lock(session: Session, subscription_id: UUID, *, seen_by: Principal) -> Subscription | None:
    """The subscription with the caller's roles, held until the session ends; None also where there is no role."""
    row = await session.row(
        _LOCK, tenant=seen_by.tenant_id, principal=seen_by.id, subscription=subscription_id
    )
    return None if row is None else _subscription(row)


async def get(session: Session, subscription_id: UUID, *, seen_by: Principal) -> Subscription:
    """The subscription with the caller's roles. Raises SubscriptionNotFound, also where there is no role."""
    row = await session.row(
        _GET, tenant=seen_by.tenant_id, principal=seen_by.id, subscription=subscription_id
    )
    if row is None:
        raise SubscriptionNotFound(subscription_id)
    return _subscription(row)


async def page(
    session: Session,
    *,
    seen_by: Principal,
    roles: Sequence[str],
    without_plan: bool,
    after: UUID | None,
    most: int,
) -> list[Subscription]:
    """The subscriptions on which the caller has one of `roles`, in the order of their ids."""
    rows = await session.rows(
        _LIST,
        tenant=seen_by.tenant_id,
        principal=seen_by.id,
        roles=roles,
        without_plan=without_plan,
        after=after or UUID(int=0),
        most=most,
    )
    return [_subscription(row) for row in rows]


def save(session: Session, subscription: Subscription) -> None:
    session.writes.update(
        subscriptions,
        id=subscription.id,
        display_name=subscription.display_name,
        version=subscription.version,
    )


def _subscription(row: Record) -> Subscription:
    role: Role = row["role"]
    return Subscription(row["id"], row["tenant_id"], row["display_name"], (role,), row["version"])
