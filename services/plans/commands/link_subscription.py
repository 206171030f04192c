"""The order of work of linking a subscription to a tenant, and of renaming it."""

from datetime import datetime
from uuid import UUID

from services.plans.domain.subscription import Subscription
from services.plans.store import audit, subscriptions
from shared.db.database import Session
from shared.identity import Principal


async def link_subscription(
    session: Session, subscription_id: UUID, display_name: str, *, by: Principal, now: datetime
) -> Subscription | None:
    """Link the subscription to the caller's tenant and make the caller its Owner; None if it is linked to it already.

    Raises SubscriptionLinkedElsewhere.
    """
    if not await subscriptions.link(session, subscription_id, display_name, owner=by):
        return None
    linked = Subscription(subscription_id, by.tenant_id, display_name, ("Owner",), version=1)
    _record(session, "subscription.linked", None, linked, by=by, now=now)
    return linked


def rename(
    session: Session, subscription: Subscription, display_name: str, *, by: Principal, now: datetime
) -> Subscription:
    """Give the subscription another name; what is so already changes nothing."""
    renamed = subscription.renamed(display_name)
    if renamed != subscription:
        subscriptions.save(session, renamed)
        _record(session, "subscription.renamed", subscription, renamed, by=by, now=now)
    return renamed


def _record(
    session: Session,
    action: str,
    before: Subscription | None,
    after: Subscription,
    *,
    by: Principal,
    now: datetime,
) -> None:
    audit.record(
        session,
        action,
        tenant_id=after.tenant_id,
        subscription_id=after.id,
        actor=by.id,
        at=now,
        resource=f"subscription/{after.id}",
        before=None if before is None else {"display_name": before.display_name},
        after={"display_name": after.display_name},
    )
