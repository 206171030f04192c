"""Whose subscription a request is about: the first check of every route on one."""

from uuid import UUID

from services.plans.domain.errors import SubscriptionNotFound
from services.plans.domain.subscription import Subscription
from services.plans.store import subscriptions
from shared.http.call import Call


async def subscription_of(call: Call) -> Subscription:
    """The subscription in the path, with the caller's roles on it. Raises SubscriptionNotFound."""
    return await subscriptions.get(call.session, subscription_id(call), seen_by=call.principal)


def subscription_id(call: Call) -> UUID:
    """What is no UUID names no subscription. Raises SubscriptionNotFound."""
    given = call.request.path_params["subscription_id"]
    try:
        return UUID(given)
    except ValueError:
        raise SubscriptionNotFound(given) from None
