"""Which notices are raised and which cleared, so that what is open is what is wanted?"""

from dataclasses import replace
from uuid import uuid4

from services.plans.domain.notice import (
    ABOUT_LICENSES,
    SEEN_WITH_A_PLAN,
    SEVERITY,
    Notice,
    OpenNotice,
    settle,
)
from tests.unit.plans.given import SUBSCRIPTION_ID, TENANT_ID
from tests.unit.times import at

TOO_MANY = Notice("SiteOverSize", "site/a/press", SUBSCRIPTION_ID, "1,001 devices", "/v1/licenses")
STOPPED = Notice("ServiceStopped", "plan/a", SUBSCRIPTION_ID, "It has stopped.", None)


def is_open(notice: Notice) -> OpenNotice:
    return OpenNotice(uuid4(), TENANT_ID, notice, at("2026-03-01T00:00:00"), version=1)


def test_what_is_wanted_is_raised_and_what_is_not_is_cleared() -> None:
    gone = is_open(STOPPED)
    assert settle([gone], [TOO_MANY]) == ((gone,), (TOO_MANY,))


def test_what_is_open_already_stays_also_with_another_text() -> None:
    assert settle([is_open(TOO_MANY)], [replace(TOO_MANY, text="1,002 devices")]) == ((), ())


def test_one_code_about_two_things_is_two_notices() -> None:
    elsewhere = replace(TOO_MANY, resource="site/a/mill")
    assert settle([is_open(TOO_MANY)], [TOO_MANY, elsewhere]) == ((), (elsewhere,))


def test_what_is_wanted_twice_is_raised_once() -> None:
    assert settle([], [TOO_MANY, TOO_MANY]) == ((), (TOO_MANY,))


def test_every_code_of_the_contract_has_a_severity() -> None:
    contract = """
        LicenseExpiring TrialEnding SiteOverSize CommittedDevicesExceeded SensorReactivationRequired
        UnlicensedSites OrphanedLicense OrphanedPlan ServiceInGrace ServiceStopped ConsoleFileSuperseded"""
    assert set(SEVERITY) == set(contract.split())
    assert SEEN_WITH_A_PLAN < ABOUT_LICENSES < set(SEVERITY)
