"""How licensing's errors look to a caller: the one place that knows HTTP statuses."""

from typing import Final

from services.licensing.domain.errors import (
    AutoRenewOff,
    CancellationWindowClosed,
    InvoiceNotFound,
    LicenseInUse,
    LicenseNotActive,
    LicenseNotExpired,
    LicenseNotFound,
    LicensingError,
    NotATrial,
    ProductNotFound,
    RaisedTooOften,
    TrialAlreadyUsed,
    TrialExtensionNotAllowed,
    TrialQuantityFixed,
)
from shared.http.problems import Problem

_TABLE: Final[dict[type[LicensingError], tuple[int, str]]] = {
    LicenseNotFound: (404, "There is no such license"),
    ProductNotFound: (404, "There is no such product"),
    LicenseNotActive: (409, "The license is not active"),
    InvoiceNotFound: (404, "There is no such invoice"),
    CancellationWindowClosed: (409, "The license can no longer be cancelled"),
    LicenseNotExpired: (409, "The license has not expired"),
    LicenseInUse: (409, "Sites use the license"),
    AutoRenewOff: (409, "The license is not renewed"),
    RaisedTooOften: (409, "The license was raised too often"),
    NotATrial: (409, "The license is no trial"),
    TrialAlreadyUsed: (409, "The trial has been used"),
    TrialQuantityFixed: (409, "A trial is for one site"),
    TrialExtensionNotAllowed: (409, "The trial cannot be extended now"),
}
STATUSES: Final = {error.code: status for error, (status, _) in _TABLE.items()}
"""HTTP status by code, for the documents."""


def problem_of(error: Exception) -> Problem | None:
    """The problem document of a licensing error; None for any other."""
    if not isinstance(error, LicensingError):
        return None
    status, title = _TABLE[type(error)]
    return Problem(status, error.code, title, str(error))
