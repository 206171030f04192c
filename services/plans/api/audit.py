"""Routes of a subscription's audit."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_of
from services.plans.domain.errors import SubscriptionNotFound
from shared.http.audit import AuditEventOut, AuditFilter, VerificationOut, answer_events, answer_verification
from shared.http.call import Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page

router = APIRouter(
    prefix="/v1/subscriptions/{subscription_id}/audit-events", tags=["Plans"], route_class=Direct
)


@router.get("", **documents(answer=Page[AuditEventOut], query=AuditFilter, errors=[SubscriptionNotFound]))
async def list_audit_events(request: Request) -> Response:
    """Who changed what of the subscription, when, and from what to what; oldest first."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        await answer_events(call, subscription.id)
    return call.response


@router.get("/verification", **documents(answer=VerificationOut, errors=[SubscriptionNotFound]))
async def verify_audit_events(request: Request) -> Response:
    """Whether the subscription's chain is whole, found by hashing all of it anew."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        call.query(Query)
        await answer_verification(call, subscription.id)
    return call.response
