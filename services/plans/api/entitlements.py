"""Routes of entitlements: what a subscription's sites may do now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import entitlement_checks, subscription_of
from services.plans.api.entitlement_shapes import (
    EntitlementChecksIn,
    EntitlementChecksOut,
    EntitlementOut,
    EntitlementsOut,
)
from services.plans.domain.errors import PlanNotFound, SubscriptionNotFound
from services.plans.events import state_of
from services.plans.store import entitlements, holdings, ot_plans
from shared.http.ask import ask
from shared.http.call import Query, read
from shared.http.documents import Direct, documents

router = APIRouter(prefix="/v1", tags=["Plans"], route_class=Direct)


@router.get(
    "/subscriptions/{subscription_id}/entitlements",
    **documents(answer=EntitlementsOut, errors=[SubscriptionNotFound, PlanNotFound]),
)
async def get_entitlements(request: Request) -> Response:
    """Whether the service runs for the subscription, and what each of its sites may do."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        plan = await ot_plans.get(call.session, subscription.id)
        call.allow(roles.VIEW, held=subscription.roles)
        call.query(Query)
        now = await call.now()
        state = state_of(plan, await holdings.of_tenant(call.session), now=now)
        found = (
            await entitlements.of_subscription(call.session, subscription.id, now=now) if plan.is_on else {}
        )
        sites = [
            EntitlementOut.of(one, subscription_id=subscription.id, site=name, as_of=state.as_of)
            for name, one in found.items()
        ]
        call.answer(200, EntitlementsOut.of(state, sites), version=plan.version)
    return call.response


@router.post(
    "/entitlement-checks",
    **documents(body=EntitlementChecksIn, answer=EntitlementChecksOut),
)
async def check_entitlements(request: Request) -> Response:
    """What up to 500 sites may do, in the order asked; nothing is written, however often it is asked.

    A site that does not exist, and one on whose subscription the caller has no role, are both `NOT_FOUND`.
    """
    async with ask(request) as call:
        asked = (await call.body(EntitlementChecksIn)).checks
        found = await entitlement_checks(request).check(
            [(one.subscription_id, one.site) for one in asked], seen_by=call.principal
        )
        call.answer(200, EntitlementChecksOut.of(asked, found))
    return call.response
