"""When is Enterprise IoT on, how does it end, and how many licenses does it take?"""

from dataclasses import replace
from uuid import uuid4

import pytest

from services.plans.domain.enterprise_iot import EnterpriseIot, estimate
from services.plans.domain.errors import ChangePending, EnterpriseIotLicenseActive, NoEnterpriseIotLicense
from services.plans.domain.holdings import Holdings
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID, held, holding
from tests.unit.times import at

NEVER = EnterpriseIot(SUBSCRIPTION_ID, TENANT_ID)
LICENSED = holding(held(None))
OPERATION = uuid4()
NOON = at("2026-03-01T12:00:00")
ONE = at("2026-03-01T13:00:00")


def test_a_license_turns_it_on_at_once() -> None:
    on = NEVER.turned_on(LICENSED, now=NOON)
    assert on == EnterpriseIot(SUBSCRIPTION_ID, TENANT_ID, "on", effective_at=NOON, version=1)


def test_site_licenses_are_no_licenses_for_it() -> None:
    with pytest.raises(NoEnterpriseIotLicense):
        NEVER.turned_on(holding(held("L")), now=NOON)


def test_what_is_on_stays_as_it_is_whatever_the_licenses() -> None:
    on = NEVER.turned_on(LICENSED, now=NOON)
    assert on.turned_on(Holdings(), now=ONE) is on


def test_what_licenses_cover_is_not_turned_off_before_them() -> None:
    on = NEVER.turned_on(LICENSED, now=NOON)
    with pytest.raises(EnterpriseIotLicenseActive):
        on.cancelled(LICENSED, operation_id=OPERATION, now=ONE)
    off = on.cancelled(Holdings(), operation_id=OPERATION, now=ONE)
    assert off == replace(on, status="off", effective_at=ONE, version=2)


def test_turning_off_what_is_off_changes_nothing() -> None:
    assert NEVER.cancelled(LICENSED, operation_id=OPERATION, now=NOON) is NEVER
    assert NEVER.turned_off(at=NOON) is NEVER


def test_a_legacy_one_ends_an_hour_after_its_cancel_whatever_the_licenses() -> None:
    on = NEVER.turned_on_as_legacy(at=NOON)
    ending = on.cancelled(LICENSED, operation_id=OPERATION, now=NOON)
    assert (ending.status, ending.due_at, ending.effective_at) == ("on", ONE, ONE)
    assert ending.cancelled(LICENSED, operation_id=uuid4(), now=ONE) is ending
    with pytest.raises(ChangePending, match="2026-03-01T13:00:00Z"):
        ending.turned_on(LICENSED, now=NOON)
    off = ending.turned_off(at=ONE)
    assert (off.status, off.due_at, off.operation_id, off.version) == ("off", None, None, 3)


def test_once_off_a_legacy_one_comes_back_only_by_licenses() -> None:
    off = NEVER.turned_on_as_legacy(at=NOON).turned_off(at=ONE)
    with pytest.raises(NoEnterpriseIotLicense):
        off.turned_on(Holdings(), now=ONE)
    assert not off.turned_on(LICENSED, now=ONE).legacy


@pytest.mark.parametrize(
    ("devices", "seats", "covered", "needed"),
    [
        pytest.param(2500, 500, 2500, 0, id="500 seats include 2,500"),
        pytest.param(1204, 240, 1200, 4, id="4 more than covered, not rounded"),
        pytest.param(1679, 320, 1600, 79, id="79 more than covered, not rounded"),
        pytest.param(10, 500, 2500, 0, id="never below none"),
        pytest.param(0, 0, 0, 0, id="nothing"),
    ],
)
def test_an_estimate_is_exact(devices: int, seats: int, covered: int, needed: int) -> None:
    found = estimate(devices, seats)
    assert (found.covered_by_seats, found.licenses_needed) == (covered, needed)
