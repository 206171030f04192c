"""How plans' errors look to a caller: the one place that knows HTTP statuses."""

from typing import Final

from services.plans.domain.errors import (
    ActivationFileExpired,
    ActivationFileRevoked,
    ActivationFileSignatureInvalid,
    ActivationFileSuperseded,
    ActivationFileWrongSensor,
    AgreementRequired,
    ChangePending,
    ConsoleFileNotFound,
    EnterpriseIotLicenseActive,
    LastOwner,
    ManagedInMicrosoft365,
    NoActiveLicense,
    NoEnterpriseIotLicense,
    NoPlan,
    NothingPending,
    OperationNotFound,
    PlanAlreadyExists,
    PlanCancelled,
    PlanNotFound,
    PlansError,
    PricePlanNotATarget,
    RoleAssignmentNotFound,
    SensorNotFound,
    SensorsOnOtherSubscriptions,
    SensorsStillRegistered,
    SiteNotFound,
    SiteSizeNotApplicable,
    SiteSizeNotLicensed,
    SitesNotEditableForPlan,
    StatementNotFound,
    SubscriptionLinkedElsewhere,
    SubscriptionNotFound,
    TermsNotAccepted,
)
from shared.http.problems import Problem

_TABLE: Final[dict[type[PlansError], tuple[int, str]]] = {
    SubscriptionNotFound: (404, "There is no such subscription"),
    PlanNotFound: (404, "There is no OT plan"),
    SiteNotFound: (404, "There is no such site"),
    SensorNotFound: (404, "There is no such sensor"),
    StatementNotFound: (404, "There is no such statement"),
    TermsNotAccepted: (400, "The terms have to be accepted"),
    SubscriptionLinkedElsewhere: (409, "The subscription is linked to another tenant"),
    PlanAlreadyExists: (409, "There is an OT plan already"),
    NoActiveLicense: (409, "There is no active license"),
    NoPlan: (409, "The subscription has no OT plan"),
    PlanCancelled: (409, "The OT plan has ended"),
    SiteSizeNotApplicable: (400, "Sites of this plan have no size"),
    SiteSizeNotLicensed: (409, "No license of that size is free"),
    ActivationFileSignatureInvalid: (400, "This is no activation file of ours"),
    ActivationFileWrongSensor: (400, "The activation file is for another sensor"),
    ActivationFileRevoked: (400, "The activation file is revoked"),
    ActivationFileSuperseded: (400, "The activation file is superseded"),
    ActivationFileExpired: (400, "The activation file has expired"),
    ChangePending: (409, "A change is pending"),
    ConsoleFileNotFound: (404, "There is no such console activation file"),
    NoEnterpriseIotLicense: (409, "There is no Enterprise IoT license"),
    EnterpriseIotLicenseActive: (409, "An Enterprise IoT license is active"),
    NothingPending: (409, "Nothing is pending"),
    AgreementRequired: (400, "The end of the plan has to be agreed to"),
    ManagedInMicrosoft365: (409, "The plan follows the licenses"),
    PricePlanNotATarget: (400, "A plan cannot become a trial"),
    SitesNotEditableForPlan: (400, "Only an annual plan has a number of sites"),
    SensorsOnOtherSubscriptions: (409, "Sensors are registered on other subscriptions"),
    OperationNotFound: (404, "There is no such operation"),
    RoleAssignmentNotFound: (404, "There is no such role assignment"),
    LastOwner: (409, "A subscription has an Owner"),
    SensorsStillRegistered: (409, "Sensors are still registered"),
}
STATUSES: Final = {error.code: status for error, (status, _) in _TABLE.items()}
"""HTTP status by code, for the documents."""


def problem_of(error: Exception) -> Problem | None:
    """The problem document of an error of plans; None for any other."""
    if not isinstance(error, PlansError):
        return None
    status, title = _TABLE[type(error)]
    facts = {"sensors": error.sensors} if isinstance(error, SensorsStillRegistered) else {}
    return Problem(status, error.code, title, str(error), facts=facts)
