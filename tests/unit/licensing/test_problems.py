"""Has every refusal of licensing the status that the contract gives it?"""

from services.licensing.api.problems import STATUSES, problem_of
from services.licensing.domain.errors import LicenseNotFound, LicensingError
from shared.http.problems import TYPES


def test_every_refusal_has_a_status() -> None:
    assert {error.code for error in LicensingError.__subclasses__()} == set(STATUSES)


def test_what_the_present_state_forbids_is_a_conflict_and_what_is_not_there_is_not_found() -> None:
    assert STATUSES == {
        "LicenseNotFound": 404,
        "ProductNotFound": 404,
        "LicenseNotActive": 409,
        "CancellationWindowClosed": 409,
        "InvoiceNotFound": 404,
        "LicenseNotExpired": 409,
        "LicenseInUse": 409,
        "AutoRenewOff": 409,
        "RaisedTooOften": 409,
        "NotATrial": 409,
        "TrialAlreadyUsed": 409,
        "TrialQuantityFixed": 409,
        "TrialExtensionNotAllowed": 409,
    }


def test_a_refusal_tells_its_case_under_a_title_that_is_always_the_same() -> None:
    one, other = problem_of(LicenseNotFound(1)), problem_of(LicenseNotFound(2))
    assert one is not None
    assert other is not None
    assert (one.status, one.code, one.title) == (other.status, other.code, other.title)
    assert one.detail != other.detail
    assert TYPES + one.code == "https://siteward.dev/problems/LicenseNotFound"


def test_an_error_of_somebody_else_is_not_judged() -> None:
    assert problem_of(ValueError("no")) is None
