"""Routes of changes of a plan that take effect an hour later."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.accepted import accepted
from services.plans.api.access import subscription_of
from services.plans.api.plan_actions import actions_of
from services.plans.api.shapes import Blocker, PlanOut
from services.plans.commands.change_plan import Held, cancel_plan, edit_plan, hold, undo_change
from services.plans.domain import legacy_plan
from services.plans.domain.errors import (
    AgreementRequired,
    ChangePending,
    ManagedInMicrosoft365,
    NoActiveLicense,
    NothingPending,
    PlanCancelled,
    PlanNotFound,
    PlansError,
    PricePlanNotATarget,
    SensorsOnOtherSubscriptions,
    SensorsStillRegistered,
    SitesNotEditableForPlan,
    SubscriptionNotFound,
    TermsNotAccepted,
)
from services.plans.domain.legacy_plan import DEVICES_STEP, Edit
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.pending_change import DELAY
from services.plans.domain.plan_cancellation import licenses_kept, refusal_to_cancel, what_is_kept
from services.plans.events import state_of
from services.plans.store import device_counts, enterprise_iot, holdings, ot_plans, sites
from shared.events.wire import Utc, WireModel
from shared.http import problems
from shared.http.call import Call, Input, Nothing, Partial
from shared.http.documents import Direct, documents
from shared.http.problems import Refused
from shared.http.write import DryRun, Write, write

_Model = TypeVar("_Model", bound=BaseModel)
router = APIRouter(prefix="/v1/subscriptions/{subscription_id}/plan", tags=["Plans"], route_class=Direct)


class CancelPlanIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"agree": True}]})

    agree: bool = False
    """Has to be true: all services go from the subscription."""


class Removed(WireModel):
    sites: list[str]
    sensors: list[str]
    enterprise_iot: bool


class PlanCancellationOut(WireModel):
    """What cancelling does, or would do."""

    plan: PlanOut
    removes: Removed
    licenses_kept: list[UUID]
    """They go on, those in use are charged, and those in their grace stay in it: a plan's end ends no license (B39)."""
    blockers: list[Blocker]
    warnings: list[Blocker]
    effective_at: Utc


class EditPlanIn(Partial):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"price_plan": "monthly", "committed_devices": 1500, "terms_accepted": True}]
        }
    )

    price_plan: Literal["microsoft_365", "trial", "monthly", "annual"] | None = None
    committed_devices: int | None = Field(
        default=None, ge=DEVICES_STEP, le=100_000_000, multiple_of=DEVICES_STEP
    )
    sites: int | None = Field(default=None, ge=1, le=1_000_000)
    """Of an annual plan only."""
    terms_accepted: bool = False

    def edit(self) -> Edit:
        return Edit(self.price_plan, self.committed_devices, self.sites)


@router.post(
    "/cancel",
    **documents(
        body=CancelPlanIn,
        answer=PlanCancellationOut,
        status=202,
        dry_run=True,
        if_match="honored",
        errors=[
            SubscriptionNotFound,
            PlanNotFound,
            AgreementRequired,
            PlanCancelled,
            ChangePending,
            SensorsStillRegistered,
        ],
    ),
)
async def cancel(request: Request) -> Response:
    """Cancel a plan: an hour later all services go from the subscription (B36 to B39)."""
    async with write(request) as call:
        held, _, now = await _held(call, CancelPlanIn, check=_agreed)
        only_sensors = isinstance(refusal_to_cancel(held.plan, held.sensors), SensorsStillRegistered)
        if only_sensors and call.query(DryRun).dry_run:
            plan: OtPlan = held.plan
        else:
            plan = await cancel_plan(call.session, held, by=call.principal, now=now)
        effective_at = now + DELAY if plan.pending is None else plan.pending.effective_at
        headers = (
            {}
            if plan.pending is None
            else accepted(plan.pending.operation_id, effective_at=effective_at, now=now)
        )
        shown = await _cancellation(call, held, plan, effective_at, now)
        call.answer(202, shown, version=plan.version, headers=headers)
    return call.response


@router.post(
    "/undo",
    **documents(
        body=Nothing,
        answer=PlanOut,
        dry_run=True,
        if_match="honored",
        errors=[SubscriptionNotFound, PlanNotFound, PlanCancelled, NothingPending],
    ),
)
async def undo(request: Request) -> Response:
    """Withdraw what is pending, as long as it has not taken effect."""
    async with write(request) as call:
        held, _, now = await _held(call, Nothing)
        plan = await undo_change(call.session, held, by=call.principal, now=now)
        call.answer(200, await _shown(call, held, plan, now), version=plan.version)
    return call.response


@router.patch(
    "",
    **documents(
        body=EditPlanIn,
        answer=PlanOut,
        status=202,
        dry_run=True,
        if_match="needed",
        errors=[
            SubscriptionNotFound,
            PlanNotFound,
            PricePlanNotATarget,
            SitesNotEditableForPlan,
            TermsNotAccepted,
            ManagedInMicrosoft365,
            PlanCancelled,
            ChangePending,
            NoActiveLicense,
            SensorsOnOtherSubscriptions,
        ],
    ),
)
async def edit(request: Request) -> Response:
    """Edit a legacy plan, or take it over to site licenses; in effect an hour later (B53 to B64)."""
    async with write(request) as call:
        held, asked, now = await _held(call, EditPlanIn, must_match=True, check=_check)
        plan = await edit_plan(call.session, held, asked.edit(), by=call.principal, now=now)
        shown = await _shown(call, held, plan, now)
        if plan.pending is None or plan == held.plan:
            call.answer(200, shown, version=plan.version)
        else:
            headers = accepted(plan.pending.operation_id, effective_at=plan.pending.effective_at, now=now)
            call.answer(202, shown, version=plan.version, headers=headers)
    return call.response


def _agreed(_: OtPlan, asked: CancelPlanIn) -> None:
    if not asked.agree:
        raise AgreementRequired


def _check(plan: OtPlan, asked: EditPlanIn) -> None:
    """What of a body fits no plan of its kind. Raises Refused (422), and what `legacy_plan.check` does."""
    target = asked.price_plan or plan.price_plan
    if asked.committed_devices is not None and target == "microsoft_365" and plan.legacy:
        detail = "A plan that follows site licenses has no committed devices."
        raise Refused(problems.invalid_request([{"pointer": "/committed_devices", "detail": detail}]))
    legacy_plan.check(plan, asked.edit(), terms_accepted=asked.terms_accepted)


async def _held(
    call: Write,
    model: type[_Model],
    *,
    must_match: bool = False,
    check: Callable[[OtPlan, _Model], None] | None = None,
) -> tuple[Held, _Model, datetime]:
    """The plan, locked and as it is now, and what was sent: all checks that come before a rule."""
    now = await call.now()
    subscription = await subscription_of(call)
    await ot_plans.get(call.session, subscription.id)
    call.allow(roles.CHANGE_PLAN, held=subscription.roles)
    asked = await call.body(model, optional=True, dry_run=True)
    held = await hold(call.session, subscription.id, now)
    if check is not None:
        check(held.plan, asked)
    call.match(held.plan.version, required=must_match)
    return held, asked, now


async def _shown(call: Call, held: Held, plan: OtPlan, now: datetime) -> PlanOut:
    counts = await device_counts.of_subscriptions(call.session, [plan.subscription_id], now=now)
    state = state_of(plan, held.known, now=now, detected=counts.get(plan.subscription_id, 0))
    # Whoever gets as far as this may change the plan.
    actions = actions_of(plan, held.sensors, held.surroundings, held=roles.CHANGE_PLAN)
    return PlanOut.of(state, actions)


async def _cancellation(
    call: Call, held: Held, plan: OtPlan, effective_at: datetime, now: datetime
) -> PlanCancellationOut:
    going = await sites.of_subscription(call.session, plan.subscription_id)
    iot = await enterprise_iot.get(call.session, plan.subscription_id)
    kept = licenses_kept(
        await holdings.living(call.session, plan.tenant_id),
        covering={site.license_id for site in await sites.following(call.session, plan.tenant_id)},
        enterprise_iot=iot.status == "on",
    )
    refusal = refusal_to_cancel(held.plan, held.sensors)
    blockers: list[PlansError] = [] if refusal is None else [refusal]
    warnings = [Blocker(code="LicensesKept", detail=what_is_kept(kept))] if kept else []
    return PlanCancellationOut(
        plan=await _shown(call, held, plan, now),
        removes=Removed(
            sites=[site.name for site in going], sensors=held.sensors, enterprise_iot=iot.status == "on"
        ),
        licenses_kept=[held.license_id for held in kept],
        blockers=[Blocker(code=one.code, detail=str(one)) for one in blockers],
        warnings=warnings,
        effective_at=effective_at,
    )
