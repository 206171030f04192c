"""Does a license say of each action what trying it would bring?"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing import roles
from services.licensing.api.shapes import LicenseOut
from services.licensing.domain.cancellation import cancel
from services.licensing.domain.errors import LicensingError
from services.licensing.domain.license import License, Scheduled
from services.licensing.domain.quantity import set_quantity
from services.licensing.domain.reactivation import reactivate
from services.licensing.domain.renewal import schedule, set_auto_renew
from services.licensing.domain.trial import convert_now, extend_trial
from shared.http.actions import AllowedAction
from tests.unit.licensing.given import BUYER, TENANT_ID, a_license, a_product, a_trial, made, passed
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")


def of(license: License, now: str) -> AllowedAction:
    [action] = [
        one
        for one in LicenseOut.of(license, now=at(now), held=BUYER).allowed_actions
        if one.action == "cancel"
    ]
    return action


def test_within_the_window_a_cancel_is_allowed_and_says_until_when() -> None:
    action = of(a_license(bought=BOUGHT), "2026-03-08T09:29:59")
    assert (action.allowed, action.reason_code, action.reason) == (True, None, None)
    assert action.until == at("2026-03-08T09:30:00")


def test_after_it_the_reason_is_the_refusal_s_own() -> None:
    action = of(a_license(bought=BOUGHT), "2026-03-08T09:30:00")
    assert (action.allowed, action.reason_code) == (False, "CancellationWindowClosed")
    assert action.reason is not None
    assert "auto-renew off" in action.reason


def test_a_cancelled_license_cannot_be_cancelled() -> None:
    cancelled = cancel(a_license(bought=BOUGHT), now=at("2026-03-02")).license
    assert of(cancelled, "2026-03-02").reason_code == "LicenseNotActive"


@given(st.timedeltas(timedelta(0), timedelta(days=400)), st.booleans())
def test_what_is_shown_is_what_trying_gives(later: timedelta, before: bool) -> None:  # noqa: FBT001 - generated
    license, now = a_license(bought=BOUGHT), BOUGHT + later
    if before:
        license = cancel(license, now=BOUGHT).license
    code: str | None = None
    try:
        cancel(license, now=now)
    except LicensingError as error:
        code = error.code
    [shown] = [
        one for one in LicenseOut.of(license, now=now, held=BUYER).allowed_actions if one.action == "cancel"
    ]
    assert (shown.allowed, shown.reason_code) == (code is None, code)


ACTIONS: Final = (
    "cancel",
    "renew_off",
    "renew_on",
    "add_quantity",
    "reduce_quantity",
    "schedule_change",
    "reactivate",
    "extend_trial",
    "convert",
)
NO: Final = "LicenseNotActive"
OF_A_PAID_ONE: Final = ("LicenseNotExpired", "NotATrial", "NotATrial")
"""Why an active license is neither reactivated, extended nor converted."""


def in_use(license: License, sites: int) -> License:
    return replace(license, assigned=sites)


def bought(quantity: int = 3, *, auto_renew: bool = True) -> License:
    return a_license(bought=BOUGHT, quantity=quantity, auto_renew=auto_renew)


def ended(license: License, now: str) -> License:
    return passed(license, at(now))[-1].license


def attempts(license: License, now: datetime) -> dict[str, Callable[[], object]]:
    return {
        "cancel": lambda: cancel(license, now=now),
        "renew_off": lambda: set_auto_renew(license, False, now=now),
        "renew_on": lambda: set_auto_renew(license, True, now=now),
        "add_quantity": lambda: set_quantity(
            license, license.quantity + 1, assigned=license.assigned, now=now
        ),
        "reduce_quantity": lambda: set_quantity(
            license, license.quantity - 1, assigned=license.assigned, now=now
        ),
        "schedule_change": lambda: schedule(
            license, Scheduled("OT_SITE_L", 9, "annual"), assigned=license.assigned, now=now
        ),
        "reactivate": lambda: reactivate(license, a_product(), license_id=TENANT_ID, now=now),
        "extend_trial": lambda: extend_trial(license, now=now),
        "convert": lambda: convert_now(license, a_product(), Scheduled("OT_SITE_L", 1, "annual"), now=now),
    }


def codes(license: License, now: datetime) -> dict[str, str | None]:
    """Of each action, in the order in which they are shown."""
    return {
        one.action: one.reason_code for one in LicenseOut.of(license, now=now, held=BUYER).allowed_actions
    }


TABLE: Final = [
    ("in its window", bought(), "2026-03-02", (None, None, None, None, None, None, *OF_A_PAID_ONE)),
    (
        "after it",
        bought(),
        "2026-04-01",
        ("CancellationWindowClosed", None, None, None, None, None, *OF_A_PAID_ONE),
    ),
    (
        "not renewed, in its window",
        bought(auto_renew=False),
        "2026-03-02",
        (None, None, None, None, None, "AutoRenewOff", *OF_A_PAID_ONE),
    ),
    (
        "not renewed, after it",
        bought(auto_renew=False),
        "2026-04-01",
        ("CancellationWindowClosed", None, None, None, "AutoRenewOff", "AutoRenewOff", *OF_A_PAID_ONE),
    ),
    (
        "all in use",
        in_use(bought(), 3),
        "2026-03-02",
        (None, None, None, None, "LicenseInUse", None, *OF_A_PAID_ONE),
    ),
    (
        "one not in use",
        in_use(bought(), 2),
        "2026-03-02",
        (None, None, None, None, None, None, *OF_A_PAID_ONE),
    ),
    (
        "more in use than there are",
        in_use(bought(), 5),
        "2026-03-02",
        (None, None, None, None, "LicenseInUse", None, *OF_A_PAID_ONE),
    ),
    (
        "for one site",
        bought(1),
        "2026-03-02",
        (None, None, None, None, "InvalidRequest", None, *OF_A_PAID_ONE),
    ),
    (
        "a trial",
        a_trial(started=BOUGHT),
        "2026-03-02",
        (
            *(None, NO, NO, "TrialQuantityFixed", "TrialQuantityFixed", NO),
            *("LicenseNotExpired", "TrialExtensionNotAllowed", None),
        ),
    ),
    (
        "a trial in its last 15 days",
        ended(a_trial(started=BOUGHT), "2026-04-15"),
        "2026-04-15",
        (
            *(None, NO, NO, "TrialQuantityFixed", "TrialQuantityFixed", NO),
            *("LicenseNotExpired", None, None),
        ),
    ),
    (
        "a trial that was extended",
        extend_trial(a_trial(started=BOUGHT), now=at("2026-04-15")).license,
        "2026-05-20",
        (
            *(None, NO, NO, "TrialQuantityFixed", "TrialQuantityFixed", NO),
            *("LicenseNotExpired", "TrialExtensionNotAllowed", None),
        ),
    ),
    (
        "expired",
        ended(bought(auto_renew=False), "2027-03-01"),
        "2027-03-02",
        (NO, NO, NO, NO, NO, NO, None, "NotATrial", "NotATrial"),
    ),
    (
        "a trial that expired",
        ended(a_trial(started=BOUGHT), "2026-04-30"),
        "2026-05-01",
        (NO, NO, NO, NO, NO, NO, "TrialAlreadyUsed", NO, NO),
    ),
    (
        "disabled after its grace",
        ended(bought(auto_renew=False), "2027-03-31"),
        "2027-04-01",
        (NO, NO, NO, NO, NO, NO, *OF_A_PAID_ONE),
    ),
    (
        "cancelled",
        cancel(bought(), now=at("2026-03-02")).license,
        "2026-03-03",
        (NO, NO, NO, NO, NO, NO, *OF_A_PAID_ONE),
    ),
    (
        "a trial that was cancelled",
        cancel(a_trial(started=BOUGHT), now=at("2026-03-02")).license,
        "2026-03-03",
        (NO, NO, NO, NO, NO, NO, "LicenseNotExpired", NO, NO),
    ),
    (
        "deleted",
        ended(bought(auto_renew=False), "2028-01-01"),
        "2028-01-02",
        (NO, NO, NO, NO, NO, NO, *OF_A_PAID_ONE),
    ),
]


@pytest.mark.parametrize(
    ("license", "now", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_each_action_is_allowed_or_says_why_not(
    license: License, now: str, expected: tuple[str | None, ...]
) -> None:
    assert codes(license, at(now)) == dict(zip(ACTIONS, expected, strict=True))


@pytest.mark.parametrize(("license", "now"), [row[1:3] for row in TABLE], ids=[row[0] for row in TABLE])
def test_and_trying_it_gives_the_same(license: License, now: str) -> None:
    moment = at(now)
    tried = attempts(license, moment)
    shown = codes(license, moment)
    if shown["reduce_quantity"] == "InvalidRequest":
        del tried["reduce_quantity"]  # a total of 0 is refused before any rule is asked
    for action, attempt in tried.items():
        code: str | None = None
        try:
            attempt()
        except LicensingError as error:
            code = error.code
        assert shown[action] == code, action


@pytest.mark.parametrize(
    ("license", "now", "until"),
    [
        (bought(), "2026-03-02", {"cancel": "2026-03-08T09:30:00"}),
        (
            bought(auto_renew=False),
            "2026-03-02",
            {"cancel": "2026-03-08T09:30:00", "reduce_quantity": "2026-03-08T09:30:00"},
        ),
        (
            made(set_quantity(bought(auto_renew=False), 4, assigned=0, now=at("2026-03-05"))),
            "2026-03-06",
            {"cancel": "2026-03-08T09:30:00", "reduce_quantity": "2026-03-12"},
        ),
        (a_trial(started=BOUGHT), "2026-03-02", {"extend_trial": "2026-04-30", "convert": "2026-04-30"}),
        (
            ended(bought(auto_renew=False), "2027-03-01"),
            "2027-03-02",
            {"cancel": "2026-03-08T09:30:00", "reactivate": "2027-03-31"},
        ),
    ],
)
def test_an_action_of_which_the_time_is_limited_says_until_when(
    license: License, now: str, until: dict[str, str]
) -> None:
    shown = LicenseOut.of(license, now=at(now), held=BUYER).allowed_actions
    assert {one.action: one.until for one in shown if one.until is not None} == {
        action: at(moment) for action, moment in until.items()
    }


@pytest.mark.parametrize("role", ["GlobalReader", "LicenseAdministrator"])
@pytest.mark.parametrize("license", [bought(), cancel(bought(), now=BOUGHT).license])
def test_a_reader_may_do_nothing_whatever_the_license_is_and_is_told_who_may(
    license: License, role: str
) -> None:
    shown = LicenseOut.of(license, now=BOUGHT, held={role}).allowed_actions
    assert {(one.allowed, one.reason_code) for one in shown} == {(False, "AuthorizationFailed")}
    for one in shown:
        assert one.reason is not None
        assert "GlobalAdministrator, BillingAdministrator" in one.reason


def test_every_action_has_its_roles() -> None:
    assert tuple(roles.ACTIONS) == ACTIONS
