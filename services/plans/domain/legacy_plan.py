"""Plans that were bought before site licenses, and are priced by a commitment (B51 to B64)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from services.plans.domain.errors import (
    ManagedInMicrosoft365,
    NoActiveLicense,
    PlansError,
    PricePlanNotATarget,
    SensorsOnOtherSubscriptions,
    SitesNotEditableForPlan,
)
from services.plans.domain.holdings import Holdings
from services.plans.domain.ot_plan import TERMS_VERSION, OtPlan, PlanTerms, PricePlan, check_terms, month_of
from services.plans.domain.pending_change import confirm, refusal_to_change

TRIAL: Final = timedelta(days=30)
TRIAL_DEVICES: Final = 1000
"""What a trial is for, and what is committed once it is over (B60)."""
DEVICES_STEP: Final = 100
"""Committed devices are a positive multiple of it (B61)."""


@dataclass(frozen=True, slots=True)
class Edit:
    """What is asked to be different; None: as it is."""

    price_plan: PricePlan | None
    committed_devices: int | None
    sites: int | None


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an edit is judged by besides the plan."""

    holdings: Holdings
    sensors_elsewhere: bool
    """Whether sensors are registered on other subscriptions of the tenant."""


def refusal_to_edit(plan: OtPlan) -> PlansError | None:
    """What stands against any edit now."""
    if plan.is_on and not plan.legacy:
        return ManagedInMicrosoft365()
    return refusal_to_change(plan)


def refusal_to_migrate(plan: OtPlan, around: Surroundings) -> PlansError | None:
    """What stands against going over to site licenses now (B63)."""
    if (refusal := refusal_to_edit(plan)) is not None:
        return refusal
    if not around.holdings.any_in_use:
        return NoActiveLicense()
    return SensorsOnOtherSubscriptions() if around.sensors_elsewhere else None


def check(plan: OtPlan, wanted: Edit, *, terms_accepted: bool) -> None:
    """Refuse what could not be an edit of such a plan whenever it were asked for.

    Raises PricePlanNotATarget (B54; a trial is edited into something else, never changed as one),
    SitesNotEditableForPlan (B53), TermsNotAccepted (B55).
    """
    if wanted.price_plan == "trial":
        raise PricePlanNotATarget
    # A plan that follows licenses is refused as such, whatever else is asked of it.
    if plan.legacy or wanted.price_plan is not None:
        target = wanted.price_plan or plan.price_plan
        if wanted.sites is not None and target != "annual":
            raise SitesNotEditableForPlan(target)
        if target == "trial":
            raise PricePlanNotATarget
    check_terms(accepted=terms_accepted)


def edit(
    plan: OtPlan, wanted: Edit, around: Surroundings, *, operation_id: UUID, by: str, now: datetime
) -> OtPlan:
    """The plan with the edit pending, once `check` has let it pass; itself if it is so already.

    Raises ManagedInMicrosoft365 (B64), PlanCancelled, ChangePending, NoActiveLicense,
    SensorsOnOtherSubscriptions (B63).
    """
    target = wanted.price_plan or plan.price_plan
    refusal = refusal_to_migrate(plan, around) if target == "microsoft_365" else refusal_to_edit(plan)
    if refusal is not None:
        raise refusal
    terms = _wanted_terms(plan, wanted, target)
    return (
        plan
        if terms == plan.terms
        else confirm(plan, "edit", terms, operation_id=operation_id, by=by, now=now)
    )


def _wanted_terms(plan: OtPlan, wanted: Edit, target: PricePlan) -> PlanTerms:
    if target == "microsoft_365":
        return PlanTerms(target, None, None)
    sites = (wanted.sites or plan.sites) if target == "annual" else None
    return PlanTerms(target, wanted.committed_devices or plan.committed_devices, sites)


def edited(plan: OtPlan, holdings: Holdings) -> OtPlan:
    """The plan once its pending edit is in effect."""
    if plan.pending is None or plan.pending.to is None:
        raise ValueError(f"no edit is pending on the plan of {plan.subscription_id}")
    to = plan.pending.to
    legacy = to.price_plan != "microsoft_365"
    return replace(
        plan,
        status="active",
        pending=None,
        legacy=legacy,
        price_plan=to.price_plan if legacy else holdings.price_plan or to.price_plan,
        licensed_sites=() if legacy else holdings.licensed_sites,
        committed_devices=to.committed_devices,
        sites=to.sites,
        trial_ends_at=None,
        terms_version=TERMS_VERSION,
        terms_accepted_at=plan.pending.requested_at,
        version=plan.version + 1,
    )


def after_trial(plan: OtPlan) -> OtPlan:
    """The plan once its trial is over: monthly, for 1,000 devices (B60)."""
    return replace(
        plan,
        price_plan="monthly",
        committed_devices=TRIAL_DEVICES,
        trial_ends_at=None,
        version=plan.version + 1,
    )


def imported(
    *,
    subscription_id: UUID,
    tenant_id: UUID,
    price_plan: Literal["trial", "monthly", "annual"],
    committed_devices: int,
    sites: int | None,
    started_at: datetime,
    now: datetime,
) -> OtPlan:
    """An existing customer's plan as it is taken over at `now`.

    A trial ends 30 × 24 hours after its start; one that is over by `now` is what came after it.
    """
    trial_ends_at = started_at + TRIAL if price_plan == "trial" else None
    plan = OtPlan(
        subscription_id=subscription_id,
        tenant_id=tenant_id,
        status="active",
        legacy=True,
        price_plan=price_plan,
        licensed_sites=(),
        committed_devices=committed_devices,
        sites=sites,
        trial_ends_at=trial_ends_at,
        pending=None,
        terms_version=None,
        terms_accepted_at=None,
        added_at=now,
        statement_month=month_of(now),
        version=1,
    )
    is_over = trial_ends_at is not None and trial_ends_at <= now
    return replace(after_trial(plan), version=1) if is_over else plan
