"""Routes of entitlements: what a subscription may do now."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans.api.access import subscription_of
from services.plans.api.shapes import EntitlementsOut
from services.plans.domain.errors import PlanNotFound, SubscriptionNotFound
from services.plans.events import state_of
from services.plans.store import holdings, ot_plans
from shared.http.call import Query, read
from shared.http.documents import Direct, documents

router = APIRouter(prefix="/v1/subscriptions", tags=["Plans"], route_class=Direct)


@router.get(
    "/{subscription_id}/entitlements",
    **documents(answer=EntitlementsOut, errors=[SubscriptionNotFound, PlanNotFound]),
)
async def get_entitlements(request: Request) -> Response:
    """Whether the service runs for the subscription, and for how many sites of which size."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        plan = await ot_plans.get(call.session, subscription.id)
        call.query(Query)
        known = await holdings.of_tenant(call.session)
        state = state_of(plan, known, now=await call.now())
        call.answer(200, EntitlementsOut.of(state), version=plan.version)
    return call.response
