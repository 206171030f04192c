"""Does a license say of each action what trying it would bring?"""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.licensing.api.shapes import LicenseOut
from services.licensing.domain.cancellation import cancel
from services.licensing.domain.errors import LicensingError
from services.licensing.domain.license import License
from shared.http.actions import AllowedAction
from tests.unit.licensing.given import a_license
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")


def of(license: License, now: str) -> AllowedAction:
    [action] = [one for one in LicenseOut.of(license, now=at(now)).allowed_actions if one.action == "cancel"]
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
    [shown] = [one for one in LicenseOut.of(license, now=now).allowed_actions if one.action == "cancel"]
    assert (shown.allowed, shown.reason_code) == (code is None, code)
