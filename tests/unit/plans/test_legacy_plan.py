"""What can be edited of a plan that is priced by a commitment, and what does time make of it?"""

from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

import pytest

from services.plans.domain.errors import (
    ChangePending,
    ManagedInMicrosoft365,
    NoActiveLicense,
    PlanCancelled,
    PlansError,
    PricePlanNotATarget,
    SensorsOnOtherSubscriptions,
    SitesNotEditableForPlan,
    TermsNotAccepted,
)
from services.plans.domain.holdings import Holdings
from services.plans.domain.legacy_plan import (
    Edit,
    Surroundings,
    after_trial,
    check,
    edit,
    edited,
    imported,
    refusal_to_edit,
    refusal_to_migrate,
)
from services.plans.domain.ot_plan import OtPlan, PlanTerms
from services.plans.domain.pending_change import end
from services.plans.domain.plan_cancellation import cancel
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID, a_plan, held, holding
from tests.unit.times import at

NOW = at("2026-03-01T09:30:00")
OPERATION = UUID("0199b0c4-0000-7000-8000-000000000001")
HELD = holding(held("L", 3))
NO_LICENSES = Surroundings(Holdings(), sensors_elsewhere=False)
LICENSED = Surroundings(HELD, sensors_elsewhere=False)
NOTHING = Edit(None, None, None)


def legacy(
    price_plan: Literal["trial", "monthly", "annual"] = "monthly",
    *,
    devices: int = 1000,
    sites: int | None = None,
    started_at: datetime = NOW,
) -> OtPlan:
    return imported(
        subscription_id=SUBSCRIPTION_ID,
        tenant_id=TENANT_ID,
        price_plan=price_plan,
        committed_devices=devices,
        sites=sites,
        started_at=started_at,
        now=NOW,
    )


def confirmed(plan: OtPlan, wanted: Edit, around: Surroundings = NO_LICENSES) -> OtPlan:
    check(plan, wanted, terms_accepted=True)
    return edit(plan, wanted, around, operation_id=OPERATION, by="ada@example.com", now=NOW)


def ended(plan: OtPlan) -> OtPlan:
    return end(cancel(plan, [], operation_id=OPERATION, by="ada@example.com", now=NOW))


@pytest.mark.parametrize(
    ("plan", "wanted", "terms"),
    [
        (legacy(), Edit(None, 1500, None), PlanTerms("monthly", 1500, None)),
        (legacy(), Edit("annual", None, None), PlanTerms("annual", 1000, None)),
        (legacy(), Edit("annual", 2000, 4), PlanTerms("annual", 2000, 4)),
        (legacy("annual", sites=4), Edit(None, None, 5), PlanTerms("annual", 1000, 5)),
        (legacy("annual", sites=4), Edit(None, 1200, None), PlanTerms("annual", 1200, 4)),
        (legacy("annual", sites=4), Edit("monthly", None, None), PlanTerms("monthly", 1000, None)),
        (legacy("trial", devices=600), Edit("monthly", None, None), PlanTerms("monthly", 600, None)),
    ],
)
def test_what_is_left_out_of_an_edit_stays_as_it_is(plan: OtPlan, wanted: Edit, terms: PlanTerms) -> None:
    pending = confirmed(plan, wanted)
    assert pending.pending is not None
    assert pending.pending.to == terms
    assert (pending.status, pending.terms, pending.version) == ("change_pending", plan.terms, 2)
    effective = edited(pending, Holdings())
    assert (effective.status, effective.terms, effective.version) == ("active", terms, 3)
    assert effective.legacy
    assert effective.next_due_at is None


def test_the_terms_of_use_count_as_accepted_once_the_edit_is_in_effect() -> None:
    pending = confirmed(legacy(), Edit(None, 1500, None))
    assert pending.terms_accepted_at is None
    assert edited(pending, Holdings()).terms_accepted_at == NOW


@pytest.mark.parametrize("wanted", [NOTHING, Edit("monthly", 1000, None), Edit(None, 1000, None)])
def test_an_edit_to_what_is_so_already_is_the_very_same_plan(wanted: Edit) -> None:
    plan = legacy()
    assert confirmed(plan, wanted) is plan


@pytest.mark.parametrize(
    ("plan", "wanted", "expected"),
    [
        (legacy(), Edit("trial", None, None), PricePlanNotATarget),
        (legacy("trial"), Edit(None, 2000, None), PricePlanNotATarget),
        (legacy(), Edit(None, None, 3), SitesNotEditableForPlan),
        (legacy("annual", sites=4), Edit("monthly", None, 3), SitesNotEditableForPlan),
        (legacy("annual", sites=4), Edit("microsoft_365", None, 3), SitesNotEditableForPlan),
        (a_plan(HELD), Edit("monthly", None, 3), SitesNotEditableForPlan),
    ],
)
def test_what_could_never_be_an_edit_is_refused_as_such(
    plan: OtPlan, wanted: Edit, expected: type[PlansError]
) -> None:
    with pytest.raises(expected):
        check(plan, wanted, terms_accepted=True)


def test_without_the_terms_nothing_is_edited() -> None:
    with pytest.raises(TermsNotAccepted):
        check(legacy(), NOTHING, terms_accepted=False)


@pytest.mark.parametrize("wanted", [NOTHING, Edit(None, 1000, 3), Edit("microsoft_365", None, None)])
def test_a_plan_that_follows_licenses_has_nothing_to_edit(wanted: Edit) -> None:
    plan = a_plan(HELD)
    with pytest.raises(ManagedInMicrosoft365):
        confirmed(plan, wanted, LICENSED)
    assert isinstance(refusal_to_migrate(plan, LICENSED), ManagedInMicrosoft365)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (confirmed(legacy(), Edit(None, 1500, None)), ChangePending),
        (ended(legacy()), PlanCancelled),
        (ended(a_plan(HELD)), PlanCancelled),
    ],
    ids=["pending", "ended", "ended, of licenses"],
)
def test_what_is_pending_or_past_cannot_be_edited(plan: OtPlan, expected: type[PlansError]) -> None:
    assert isinstance(refusal_to_edit(plan), expected)
    with pytest.raises(expected):
        edit(plan, Edit(None, 2000, None), LICENSED, operation_id=OPERATION, by="ada@example.com", now=NOW)


def test_going_over_to_site_licenses_needs_one_and_all_sensors_here() -> None:
    migrate = Edit("microsoft_365", None, None)
    with pytest.raises(NoActiveLicense):
        confirmed(legacy(), migrate)
    with pytest.raises(SensorsOnOtherSubscriptions):
        confirmed(legacy(), migrate, Surroundings(HELD, sensors_elsewhere=True))
    plan = edited(confirmed(legacy("annual", sites=4), migrate, LICENSED), HELD)
    assert not plan.legacy
    assert plan.terms == PlanTerms("microsoft_365", None, None)
    assert plan.licensed_sites == HELD.licensed_sites


def test_a_plan_that_went_over_reads_what_the_licenses_are_by_then() -> None:
    pending = confirmed(legacy(), Edit("microsoft_365", None, None), LICENSED)
    trial = edited(pending, holding(held("L", status="trial")))
    assert trial.price_plan == "trial"
    without = edited(pending, Holdings())
    assert (without.price_plan, without.licensed_sites) == ("microsoft_365", ())


def test_a_trial_ends_thirty_days_after_its_start_to_the_second() -> None:
    plan = legacy("trial", started_at=NOW - timedelta(days=30) + timedelta(seconds=1))
    assert plan.trial_ends_at == plan.next_due_at == NOW + timedelta(seconds=1)
    assert after_trial(plan).terms == PlanTerms("monthly", 1000, None)


def test_a_trial_that_is_over_is_taken_over_as_what_came_after_it() -> None:
    plan = legacy("trial", devices=2000, started_at=NOW - timedelta(days=30))
    assert (plan.terms, plan.trial_ends_at, plan.version) == (PlanTerms("monthly", 1000, None), None, 1)


def test_an_edit_that_is_pending_stays_so_when_the_trial_ends() -> None:
    started_at = NOW - timedelta(days=29, hours=23, minutes=30)
    pending = confirmed(legacy("trial", started_at=started_at), Edit("annual", 2000, 2))
    assert pending.next_due_at == NOW + timedelta(minutes=30)
    monthly = after_trial(pending)
    assert (monthly.terms, monthly.status, monthly.pending) == (
        PlanTerms("monthly", 1000, None),
        "change_pending",
        pending.pending,
    )
    assert monthly.next_due_at == NOW + timedelta(hours=1)
    assert edited(monthly, Holdings()).terms == PlanTerms("annual", 2000, 2)


def test_an_edit_in_effect_before_the_trial_ends_leaves_no_trial() -> None:
    pending = confirmed(legacy("trial"), Edit("monthly", 600, None))
    assert edited(pending, Holdings()).next_due_at is None
