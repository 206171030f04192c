"""Routes of OT plans."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import activation_keys, subscription_of
from services.plans.api.console_files import ConsoleFileOut
from services.plans.api.plan_actions import actions_of
from services.plans.api.shapes import AddedPlanOut, AddPlanIn, PlanOut, PreviewOut
from services.plans.commands.add_plan import add_plan
from services.plans.commands.issue_console_file import issue_console_file
from services.plans.domain.errors import (
    NoActiveLicense,
    PlanAlreadyExists,
    PlanNotFound,
    SubscriptionNotFound,
    TermsNotAccepted,
)
from services.plans.domain.holdings import Holdings
from services.plans.domain.legacy_plan import Surroundings
from services.plans.domain.ot_plan import OtPlan, blockers, check_terms
from services.plans.domain.subscription import Role, Subscription
from services.plans.events import state_of
from services.plans.store import device_counts, holdings, ot_plans, sensors, sites
from shared.http import problems
from shared.http.actions import AllowedAction
from shared.http.call import Call, Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page
from shared.http.problems import Refused
from shared.http.write import DryRun, write

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
        used = await sites.number_by_size(call.session)
        call.answer(200, PreviewOut.of(held, blockers(existing, held), used=used))
    return call.response


@router.put(
    "/subscriptions/{subscription_id}/plan",
    **documents(
        body=AddPlanIn,
        answer=AddedPlanOut,
        status=201,
        dry_run=True,
        if_match="honored",
        errors=[SubscriptionNotFound, TermsNotAccepted, PlanAlreadyExists, NoActiveLicense],
    ),
)
async def add(request: Request) -> Response:
    """Add a plan; its price plan is derived from the tenant's licenses (B29)."""
    async with write(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(AddPlanIn, dry_run=True)
        if asked.activation_file and not request.app.state.console_files:
            detail = "No files for management consoles are issued here."
            raise Refused(problems.invalid_request([{"pointer": "/activation_file", "detail": detail}]))
        check_terms(accepted=asked.terms_accepted)
        existing = await ot_plans.find(call.session, subscription.id)
        call.match(None if existing is None else existing.version)
        now = await call.now()
        state = await add_plan(call.session, subscription, by=call.principal, now=now)
        plan = await ot_plans.get(call.session, subscription.id)
        known = await holdings.of_tenant(call.session)
        added = AddedPlanOut.of(state, await _actions(call, subscription, plan, known.holdings))
        if asked.activation_file:
            keys = activation_keys(request)
            issued = await issue_console_file(
                call.session, [subscription.id], keys, by=call.principal.id, now=now
            )
            # What is signed is good whether or not it is kept.
            shown = ConsoleFileOut.of(issued, with_file=not call.query(DryRun).dry_run)
            added = added.model_copy(update={"activation_file": shown})
        call.answer(201, added, version=state.version)
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
        now = await call.now()
        counts = await device_counts.of_subscriptions(call.session, [subscription.id], now=now)
        state = state_of(plan, known, now=now, detected=counts.get(subscription.id, 0))
        actions = await _actions(call, subscription, plan, known.holdings)
        call.answer(200, PlanOut.of(state, actions), version=plan.version)
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
        ids = [plan.subscription_id for plan, _ in found]
        counts = await device_counts.of_subscriptions(call.session, ids, now=now)
        named = await sensors.names_by_subscription(call.session)
        shown = [
            PlanOut.of(
                state_of(plan, known, now=now, detected=counts.get(plan.subscription_id, 0)),
                _actions_among(plan, known.holdings, named, role),
            )
            for plan, role in found
        ]
        answer_page(call, asked, shown, key=lambda item: str(item.subscription_id))
    return call.response


async def _actions(
    call: Call, subscription: Subscription, plan: OtPlan, held: Holdings
) -> list[AllowedAction]:
    # No other plan could go over to site licenses, wherever sensors are.
    elsewhere = plan.legacy and await sensors.on_other_subscriptions(call.session, plan.subscription_id)
    names = await sensors.names_on(call.session, plan.subscription_id)
    return actions_of(plan, names, Surroundings(held, elsewhere), held=subscription.roles)


def _actions_among(
    plan: OtPlan, held: Holdings, named: Mapping[UUID, Sequence[str]], role: Role
) -> list[AllowedAction]:
    """`named`: the sensors of the tenant, by subscription; `role`: the caller's on this one."""
    elsewhere = any(subscription != plan.subscription_id for subscription in named)
    names = named.get(plan.subscription_id, ())
    return actions_of(plan, names, Surroundings(held, elsewhere), held=[role])
