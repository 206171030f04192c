"""Is one change of a plan pending at a time, and does withdrawing it leave nothing behind?"""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.errors import (
    ChangePending,
    NothingPending,
    PlanCancelled,
    PlansError,
    SensorsStillRegistered,
)
from services.plans.domain.legacy_plan import Edit, Surroundings, check, edit, imported
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.pending_change import end, undo
from services.plans.domain.plan_cancellation import cancel, refusal_to_cancel
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID, a_plan, held, holding
from tests.unit.times import at

NOW = at("2026-03-01T09:30:00")
OPERATION = UUID("0199b0c4-0000-7000-8000-000000000001")
HELD = holding(held("L", 3))
PLAN = a_plan(HELD)


def cancelled(plan: OtPlan, *sensors: str) -> OtPlan:
    """The plan with its cancel pending."""
    return cancel(plan, sensors, operation_id=OPERATION, by="ada@example.com", now=NOW)


def test_a_cancel_takes_effect_an_hour_after_it_was_confirmed() -> None:
    plan = cancelled(PLAN)
    assert plan.pending is not None
    assert (plan.status, plan.version) == ("cancel_pending", PLAN.version + 1)
    assert plan.pending.effective_at - plan.pending.requested_at == timedelta(hours=1)
    assert plan.next_due_at == NOW + timedelta(hours=1)
    assert plan.is_on
    assert plan.pending.to is None


def test_sensors_stand_against_a_cancel_and_all_are_named() -> None:
    names = [f"sensor-{number}" for number in range(25)]
    with pytest.raises(SensorsStillRegistered) as refused:
        cancelled(PLAN, *names)
    assert refused.value.sensors == tuple(names)
    assert "sensor-19 and 5 more" in str(refused.value)


@pytest.mark.parametrize(
    ("plan", "expected"),
    [(cancelled(PLAN), ChangePending), (end(cancelled(PLAN)), PlanCancelled)],
    ids=["pending", "ended"],
)
def test_what_is_pending_or_past_is_told_before_the_sensors(plan: OtPlan, expected: type[PlansError]) -> None:
    assert isinstance(refusal_to_cancel(plan, ["north"]), expected)
    with pytest.raises(expected):
        cancelled(plan, "north")


def test_the_refusal_says_when_the_pending_change_takes_effect() -> None:
    assert "cancel takes effect at 2026-03-01T10:30:00Z" in str(refusal_to_cancel(cancelled(PLAN), []))


def test_nothing_is_left_of_a_plan_that_has_ended_but_its_past() -> None:
    plan = end(cancelled(PLAN))
    assert (plan.status, plan.licensed_sites, plan.pending, plan.next_due_at) == ("cancelled", (), None, None)
    assert not plan.is_on
    assert plan.terms_accepted_at == PLAN.terms_accepted_at


def test_what_is_not_pending_cannot_be_withdrawn() -> None:
    with pytest.raises(NothingPending):
        undo(PLAN)
    with pytest.raises(PlanCancelled):
        undo(end(cancelled(PLAN)))


def test_a_plan_whose_end_is_pending_follows_the_licenses_and_is_cancelled_all_the_same() -> None:
    plan = cancelled(PLAN).derived_from(holding(held("L", 5)))
    assert plan.licensed_sites[0].quantity == 5
    assert (plan.status, plan.version) == ("cancel_pending", PLAN.version + 2)
    assert undo(plan).licensed_sites[0].quantity == 5


plans = st.one_of(
    st.just(PLAN),
    st.builds(
        imported,
        subscription_id=st.just(SUBSCRIPTION_ID),
        tenant_id=st.just(TENANT_ID),
        price_plan=st.sampled_from(["trial", "monthly", "annual"]),
        committed_devices=st.integers(1, 50).map(lambda hundreds: hundreds * 100),
        sites=st.none(),
        started_at=st.timedeltas(timedelta(0), timedelta(days=60)).map(lambda ago: NOW - ago),
        now=st.just(NOW),
    ),
)
edits = st.builds(
    Edit,
    st.sampled_from([None, "monthly", "annual", "microsoft_365"]),
    st.none() | st.integers(1, 50).map(lambda hundreds: hundreds * 100),
    st.none() | st.integers(1, 9),
)


@given(plans, st.none() | edits)
def test_withdrawing_restores_exactly_what_was(before: OtPlan, wanted: Edit | None) -> None:
    """`wanted`: an edit; none: a cancel."""
    try:
        if wanted is None:
            pending = cancelled(before)
        else:
            check(before, wanted, terms_accepted=True)
            around = Surroundings(HELD, sensors_elsewhere=False)
            pending = edit(before, wanted, around, operation_id=OPERATION, by="ada@example.com", now=NOW)
    except PlansError:
        return
    if pending is before:
        return
    assert pending.terms == before.terms
    assert undo(pending) == replace(before, version=before.version + 2)
