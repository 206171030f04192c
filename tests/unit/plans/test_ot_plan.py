"""When can a plan be added, and how does it follow the tenant's licenses?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.errors import NoActiveLicense, PlanAlreadyExists, PlansError, TermsNotAccepted
from services.plans.domain.holdings import SIZES, Held, Holdings, LicensedSize
from services.plans.domain.ot_plan import OtPlan, add_plan, blockers, check_terms
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID, a_plan, held, holding
from tests.unit.times import at

ACCEPTED_AT = at("2026-03-01T09:30:00")
HELD = holding(held("L", 3), held("XS", 1, license_name="2"))

licenses = st.builds(
    held,
    st.sampled_from([*SIZES, None]),
    st.integers(1, 9),
    st.sampled_from(["active", "trial", "disabled"]),
    license_name=st.text("abc", min_size=3, max_size=3),
    ended_at=st.just(ACCEPTED_AT),
)


def add(existing: OtPlan | None, holdings: Holdings) -> OtPlan:
    return add_plan(
        existing,
        holdings,
        subscription_id=SUBSCRIPTION_ID,
        tenant_id=TENANT_ID,
        now=ACCEPTED_AT,
    )


def test_a_new_plan_reads_what_the_licenses_make_of_it() -> None:
    plan = add(None, HELD)
    assert plan.price_plan == "microsoft_365"
    assert plan.licensed_sites == (LicensedSize("XS", 100, 1), LicensedSize("L", 1000, 3))
    assert (plan.subscription_id, plan.tenant_id) == (SUBSCRIPTION_ID, TENANT_ID)
    assert (plan.status, plan.version) == ("active", 1)


def test_the_terms_are_accepted_at_the_moment_of_adding() -> None:
    assert add(None, HELD).terms_accepted_at == ACCEPTED_AT
    assert add(None, HELD).terms_version


def test_a_plan_of_a_tenant_with_no_more_than_a_trial_reads_trial() -> None:
    assert add(None, holding(held("L", status="trial"))).price_plan == "trial"


@pytest.mark.parametrize(
    ("existing", "holdings", "codes"),
    [
        (None, HELD, []),
        (None, Holdings(), ["NoActiveLicense"]),
        (None, holding(held(None, 500)), ["NoActiveLicense"]),
        (None, holding(held("L", status="expired", ended_at=ACCEPTED_AT)), ["NoActiveLicense"]),
        (a_plan(HELD), HELD, ["PlanAlreadyExists"]),
        (a_plan(HELD), Holdings(), ["PlanAlreadyExists", "NoActiveLicense"]),
    ],
)
def test_a_blocker_of_the_preview_is_what_refuses_the_save(
    existing: OtPlan | None, holdings: Holdings, codes: list[str]
) -> None:
    assert [reason.code for reason in blockers(existing, holdings)] == codes
    if codes:
        with pytest.raises(PlansError) as refused:
            add(existing, holdings)
        assert refused.value.code == codes[0]
    else:
        assert add(existing, holdings).version == 1


def test_the_terms_have_to_be_accepted() -> None:
    check_terms(accepted=True)
    with pytest.raises(TermsNotAccepted, match="terms_accepted: true"):
        check_terms(accepted=False)


def test_a_second_plan_on_a_subscription_is_refused() -> None:
    with pytest.raises(PlanAlreadyExists):
        add(a_plan(HELD), HELD)


def test_without_any_site_license_there_is_no_plan() -> None:
    with pytest.raises(NoActiveLicense):
        add(None, Holdings())


def test_another_purchase_changes_the_plan_with_no_write_on_it() -> None:
    more = HELD.after(None, held("M", 2, license_name="3"))
    changed = a_plan(HELD).derived_from(more)
    assert [(size.site_size, size.quantity) for size in changed.licensed_sites] == [
        ("XS", 1),
        ("M", 2),
        ("L", 3),
    ]
    assert changed.version == 2


def test_a_plan_that_nothing_changes_is_the_very_same_plan() -> None:
    plan = a_plan(HELD)
    assert plan.derived_from(HELD) is plan
    assert plan.derived_from(HELD.after(None, held(None, 500, license_name="devices"))) is plan


def test_the_first_paid_license_ends_the_trial_price_plan() -> None:
    trial = held("L", status="trial")
    plan = a_plan(holding(trial)).derived_from(holding(trial, held("XS", license_name="paid")))
    assert plan.price_plan == "microsoft_365"


def test_without_licenses_a_plan_keeps_its_price_plan_and_has_no_sites() -> None:
    plan = a_plan(HELD).derived_from(Holdings())
    assert (plan.status, plan.price_plan, plan.licensed_sites, plan.version) == (
        "active",
        "microsoft_365",
        (),
        2,
    )


def test_the_terms_stay_those_that_were_accepted() -> None:
    plan = a_plan(HELD)
    changed = plan.derived_from(Holdings())
    assert (changed.terms_version, changed.terms_accepted_at) == (plan.terms_version, ACCEPTED_AT)


@given(st.lists(licenses, unique_by=lambda license: license.license_id))
def test_following_twice_is_following_once_and_each_change_is_one_version(more: list[Held]) -> None:
    plan = a_plan(HELD)
    once = plan.derived_from(holding(*more))
    assert once.derived_from(holding(*more)) is once
    assert once.version == (1 if once is plan else 2)
    assert once.licensed_sites == holding(*more).licensed_sites
