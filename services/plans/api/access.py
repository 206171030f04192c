"""Whose subscription a request is about, which every route on one checks first; and what all requests share."""

from uuid import UUID

from starlette.requests import Request

from services.plans.domain.errors import SubscriptionNotFound
from services.plans.domain.subscription import Subscription
from services.plans.signing import ActivationKeys
from services.plans.store import subscriptions
from services.plans.store.entitlements import EntitlementChecks
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


def activation_keys(request: Request) -> ActivationKeys:
    """The keys of this installation's activation files."""
    keys: ActivationKeys = request.app.state.activation_keys
    return keys


def entitlement_checks(request: Request) -> EntitlementChecks:
    """Through which concurrent requests share their queries."""
    checks: EntitlementChecks = request.app.state.entitlement_checks
    return checks
