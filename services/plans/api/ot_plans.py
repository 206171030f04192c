"""Routes of OT plans."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_of
from services.plans.api.shapes import AddPlanIn, PlanOut, PreviewOut
from services.plans.commands.add_plan import add_plan
from services.plans.domain.errors import (
    NoActiveLicense,
    PlanAlreadyExists,
    PlanNotFound,
    SubscriptionNotFound,
    TermsNotAccepted,
)
from services.plans.domain.ot_plan import blockers
from services.plans.events import state_of
from services.plans.store import holdings, ot_plans
from shared.http.call import Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page
from shared.http.write import write

router = APIRouter(prefix="/v1", tags=["Plans"], route_class=Direct)


@router.post(
    "/subscriptions/{subscription_id}/plan/preview",
    **documents(body=Nothing, answer=PreviewOut, errors=[SubscriptionNotFound]),
)
async def preview(request: Request) -> Response:
    """What adding a plan would make, and what stands against it (B31)."""
    async with write(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        await call.body(Nothing, optional=True)
        existing = await ot_plans.find(call.session, subscription.id)
        held = (await holdings.of_tenant(call.session)).holdings
        call.answer(200, PreviewOut.of(held, blockers(existing, held)))
    return call.response


@router.put(
    "/subscriptions/{subscription_id}/plan",
    **documents(
        body=AddPlanIn,
        answer=PlanOut,
        status=201,
        dry_run=True,
        errors=[SubscriptionNotFound, TermsNotAccepted, PlanAlreadyExists, NoActiveLicense],
    ),
)
async def add(request: Request) -> Response:
    """Add a plan; its price plan is derived from the tenant's licenses (B29)."""
    async with write(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(AddPlanIn, dry_run=True)
        now = await call.now()
        added = await add_plan(
            call.session, subscription, terms_accepted=asked.terms_accepted, by=call.principal, now=now
        )
        call.answer(201, PlanOut.of(added), version=added.version)
    return call.response


@router.get(
    "/subscriptions/{subscription_id}/plan",
    **documents(answer=PlanOut, errors=[SubscriptionNotFound, PlanNotFound]),
)
async def get_plan(request: Request) -> Response:
    """The plan of a subscription, as its tenant's licenses make it."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        plan = await ot_plans.get(call.session, subscription.id)
        call.query(Query)
        known = await holdings.of_tenant(call.session)
        shown = PlanOut.of(state_of(plan, known, now=await call.now()))
        call.answer(200, shown, version=shown.version)
    return call.response


@router.get("/plans", **documents(answer=Page[PlanOut], query=Paging))
async def list_plans(request: Request) -> Response:
    """The plans of all subscriptions on which the caller has a role."""
    async with read(request) as call:
        asked = call.query(Paging)
        found = await ot_plans.page(
            call.session, seen_by=call.principal, after=asked.after_id(), most=asked.limit + 1
        )
        known, now = await holdings.of_tenant(call.session), await call.now()
        shown = [PlanOut.of(state_of(plan, known, now=now)) for plan in found]
        answer_page(call, asked, shown, key=lambda item: str(item.subscription_id))
    return call.response
