"""Which notices follow from licenses, plans and sites?"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest

from services.plans.domain.holdings import Held
from services.plans.domain.service import service
from services.plans.domain.service_notices import about_license, about_plans
from tests.unit.plans.given import SUBSCRIPTION_ID, held, holding
from tests.unit.times import at

OTHER: Final = UUID("3d7a90b4-1e58-4f43-b6de-95c1f0a2bb07")
ENDED: Final = at("2026-03-01")
TERM_END: Final = at("2027-01-01")
SECOND: Final = timedelta(seconds=1)


def plan_codes(now: datetime, *licenses: Held, unlicensed: int = 0) -> set[str]:
    known = holding(*licenses)
    found = about_plans([SUBSCRIPTION_ID], {SUBSCRIPTION_ID: unlicensed}, known, service(known, now=now))
    assert {(one.resource, one.subscription_id) for one in found} <= {
        (f"plan/{SUBSCRIPTION_ID}", SUBSCRIPTION_ID)
    }
    return {one.code for one in found}


ACTIVE: Final = held("L")
GONE: Final = held("L", status="disabled", ended_at=ENDED)


def test_a_plan_with_a_license_for_every_site_is_told_nothing() -> None:
    assert plan_codes(ENDED, ACTIVE) == set()


def test_sites_without_a_license_are_told_of() -> None:
    assert plan_codes(ENDED, ACTIVE, unlicensed=2) == {"UnlicensedSites"}


def test_a_plan_without_a_license_is_in_grace_for_30_days_and_then_stopped() -> None:
    stop = ENDED + timedelta(days=30)
    assert plan_codes(ENDED, GONE) == {"OrphanedPlan", "ServiceInGrace"}
    assert plan_codes(stop - SECOND, GONE, unlicensed=1) == {
        "OrphanedPlan",
        "ServiceInGrace",
        "UnlicensedSites",
    }
    assert plan_codes(stop, GONE) == {"OrphanedPlan", "ServiceStopped"}
    assert plan_codes(stop + timedelta(days=90), GONE) == {"OrphanedPlan", "ServiceStopped"}


def test_each_plan_is_told_of_its_own_sites() -> None:
    known = holding(ACTIVE)
    found = about_plans([SUBSCRIPTION_ID, OTHER], {OTHER: 1}, known, service(known, now=ENDED))
    assert [(one.code, one.subscription_id) for one in found] == [("UnlicensedSites", OTHER)]


@pytest.mark.parametrize(
    ("license", "has_plan", "ends", "now", "codes"),
    [
        (ACTIVE, True, False, TERM_END - SECOND, set()),
        (ACTIVE, True, True, TERM_END - timedelta(days=30), {"LicenseExpiring"}),
        (ACTIVE, True, True, TERM_END - timedelta(days=30) - SECOND, set()),
        (ACTIVE, False, False, ENDED, {"OrphanedLicense"}),
        (ACTIVE, False, True, TERM_END - SECOND, {"OrphanedLicense", "LicenseExpiring"}),
        (held("L", status="trial"), True, True, TERM_END - SECOND, {"TrialEnding"}),
        (held("L", status="expired", ended_at=TERM_END), True, True, TERM_END, set()),
        (GONE, False, True, TERM_END, set()),
        # One for Enterprise IoT needs no plan.
        (held(None), False, False, ENDED, set()),
        (replace(ACTIVE, term_end=None), True, True, TERM_END, set()),
    ],
)
def test_what_is_told_of_a_license(
    license: Held,
    has_plan: bool,  # noqa: FBT001 - of the parametrization
    ends: bool,  # noqa: FBT001 - of the parametrization
    now: datetime,
    codes: set[str],
) -> None:
    found = about_license(license, has_plan=has_plan, ends=ends, at=now)
    assert {one.code for one in found} == codes
    assert {(one.resource, one.subscription_id) for one in found} <= {(f"license/{license.license_id}", None)}
