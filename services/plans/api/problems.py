"""How plans' errors look to a caller: the one place that knows HTTP statuses."""

from typing import Final

from services.plans.domain.errors import (
    NoActiveLicense,
    PlanAlreadyExists,
    PlanNotFound,
    PlansError,
    SubscriptionLinkedElsewhere,
    SubscriptionNotFound,
    TermsNotAccepted,
)
from shared.http.problems import Problem

_TABLE: Final[dict[type[PlansError], tuple[int, str]]] = {
    SubscriptionNotFound: (404, "There is no such subscription"),
    PlanNotFound: (404, "There is no OT plan"),
    TermsNotAccepted: (400, "The terms have to be accepted"),
    SubscriptionLinkedElsewhere: (409, "The subscription is linked to another tenant"),
    PlanAlreadyExists: (409, "There is an OT plan already"),
    NoActiveLicense: (409, "There is no active license"),
}
STATUSES: Final = {error.code: status for error, (status, _) in _TABLE.items()}
"""HTTP status by code, for the documents."""


def problem_of(error: Exception) -> Problem | None:
    """The problem document of an error of plans; None for any other."""
    if not isinstance(error, PlansError):
        return None
    status, title = _TABLE[type(error)]
    return Problem(status, error.code, title, str(error))
