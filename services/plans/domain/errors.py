"""What plans refuses; each with the facts of its case. `api/problems.py` says how it looks to a caller."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final


class PlansError(Exception):
    """`code` is part of the contract: callers decide by it."""

    code: ClassVar[str]


class SubscriptionNotFound(PlansError):
    """Also where there is one that the caller has no role on (B27)."""

    code = "SubscriptionNotFound"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(
            f"There is no subscription {subscription_id} that you have a role on. Check the account you are "
            "signed in with, and ask an Owner of the subscription for a role."
        )


class SubscriptionLinkedElsewhere(PlansError):
    code = "SubscriptionLinkedElsewhere"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} is linked to another tenant.")


class PlanNotFound(PlansError):
    code = "PlanNotFound"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has no OT plan.")


class PlanAlreadyExists(PlansError):
    code = "PlanAlreadyExists"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has an OT plan already.")


class NoActiveLicense(PlansError):
    code = "NoActiveLicense"

    def __init__(self) -> None:
        super().__init__(
            "No active site license of the tenant is known here. Buy one first: POST /v1/licenses; "
            "one that was bought just now is known in a moment."
        )


class TermsNotAccepted(PlansError):
    code = "TermsNotAccepted"

    def __init__(self, terms_url: str) -> None:
        super().__init__(f"Read the terms at {terms_url} and send terms_accepted: true.")


class NoPlan(PlansError):
    """What needs a plan was asked of a subscription that never had one."""

    code = "NoPlan"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has no OT plan. Add one first: PUT …/plan.")


class PlanCancelled(PlansError):
    code = "PlanCancelled"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(
            f"The OT plan of subscription {subscription_id} has ended. PUT …/plan adds one anew."
        )


class ChangePending(PlansError):
    code = "ChangePending"

    def __init__(self, kind: str, effective_at: datetime) -> None:
        what, hint = (
            ("end of Enterprise IoT", "it cannot be withdrawn. A license turns it on again afterwards.")
            if kind == "enterprise_iot.cancel"
            else (kind, "only one change is pending at a time. POST …/plan/undo withdraws it.")
        )
        super().__init__(f"A confirmed {what} takes effect at {effective_at:%Y-%m-%dT%H:%M:%SZ}; {hint}")


class NothingPending(PlansError):
    code = "NothingPending"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Nothing is pending on the plan of subscription {subscription_id}.")


class AgreementRequired(PlansError):
    code = "AgreementRequired"

    def __init__(self) -> None:
        super().__init__(
            "Cancelling removes all services from the subscription. Send agree: true to confirm."
        )


class SensorsStillRegistered(PlansError):
    """What has to go first, each by its name (B36)."""

    code = "SensorsStillRegistered"

    _SAID: Final = 20
    """So many are named in a sentence; `sensors` has all of them."""

    def __init__(self, sensors: Sequence[str], what: str) -> None:
        more = f" and {len(sensors) - self._SAID} more" if len(sensors) > self._SAID else ""
        super().__init__(f"{what} has sensors. Delete them first: {', '.join(sensors[: self._SAID])}{more}.")
        self.sensors = tuple(sensors)


class ManagedInMicrosoft365(PlansError):
    code = "ManagedInMicrosoft365"

    def __init__(self) -> None:
        super().__init__(
            "The plan follows the tenant's licenses and has nothing of its own to edit. Change the licenses: "
            "/v1/licenses."
        )


class PricePlanNotATarget(PlansError):
    code = "PricePlanNotATarget"

    def __init__(self) -> None:
        super().__init__("A plan cannot be edited into a trial; choose monthly, annual or microsoft_365.")


class SitesNotEditableForPlan(PlansError):
    code = "SitesNotEditableForPlan"

    def __init__(self, price_plan: str) -> None:
        super().__init__(f"Only an annual plan has a number of sites, not one that is {price_plan}.")


class SensorsOnOtherSubscriptions(PlansError):
    code = "SensorsOnOtherSubscriptions"

    def __init__(self) -> None:
        super().__init__(
            "Sensors are registered on other subscriptions of the tenant. Move them to this one first; "
            "only one subscription can go over to site licenses."
        )


class OperationNotFound(PlansError):
    code = "OperationNotFound"

    def __init__(self, operation_id: object) -> None:
        super().__init__(f"There is no operation {operation_id} that you may read.")


class SiteNotFound(PlansError):
    code = "SiteNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The subscription has no site {name!r}.")


class SiteSizeNotLicensed(PlansError):
    code = "SiteSizeNotLicensed"

    def __init__(self, size: str) -> None:
        super().__init__(
            f"No license for a site of size {size} is free. Buy one first (POST /v1/licenses), or choose another size."
        )


class SiteSizeNotApplicable(PlansError):
    code = "SiteSizeNotApplicable"

    def __init__(self) -> None:
        super().__init__("A site has a size only where the plan follows site licenses.")


class SensorNotFound(PlansError):
    code = "SensorNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"The subscription has no sensor {name!r}.")


class ActivationFileSignatureInvalid(PlansError):
    code = "ActivationFileSignatureInvalid"

    def __init__(self, detail: str) -> None:
        super().__init__(f"This is no activation file of ours as it was signed. {detail}")


class ActivationFileWrongSensor(PlansError):
    code = "ActivationFileWrongSensor"

    def __init__(self, sensor: str) -> None:
        super().__init__(f"The activation file is not for sensor {sensor!r} of this subscription.")


class ActivationFileRevoked(PlansError):
    code = "ActivationFileRevoked"

    def __init__(self, sensor: str) -> None:
        super().__init__(f"The activation file was for a sensor {sensor!r} that was deleted. Get a new one.")


class ActivationFileSuperseded(PlansError):
    code = "ActivationFileSuperseded"

    def __init__(self, newest: int) -> None:
        super().__init__(
            f"The activation file is superseded (the newest has serial {newest}). "
            "Get a new one: POST …/activation-file."
        )


class ActivationFileExpired(PlansError):
    code = "ActivationFileExpired"

    def __init__(self, expired_at: datetime) -> None:
        super().__init__(
            f"The activation file was good until {expired_at:%Y-%m-%dT%H:%M:%SZ}. "
            "Get a new one: POST …/activation-file."
        )


class ConsoleFileNotFound(PlansError):
    code = "ConsoleFileNotFound"

    def __init__(self, file_id: object) -> None:
        super().__init__(f"There is no console activation file {file_id} that you may read.")


class StatementNotFound(PlansError):
    code = "StatementNotFound"

    def __init__(self, month: str) -> None:
        super().__init__(f"The subscription has no statement of {month!r}. Months are named like 2026-06.")


class NoEnterpriseIotLicense(PlansError):
    code = "NoEnterpriseIotLicense"

    def __init__(self) -> None:
        super().__init__(
            "The tenant has no active Enterprise IoT license. Buy EIOT_DEVICE first: POST /v1/licenses."
        )


class EnterpriseIotLicenseActive(PlansError):
    """What licenses cover ends with them, and not before."""

    code = "EnterpriseIotLicenseActive"

    def __init__(self) -> None:
        super().__init__(
            "An Enterprise IoT license is active. Enterprise IoT is turned off by itself when the last one has ended; "
            "see /v1/licenses?sku=EIOT_DEVICE."
        )


class RoleAssignmentNotFound(PlansError):
    code = "RoleAssignmentNotFound"

    def __init__(self, principal: str) -> None:
        super().__init__(f"{principal!r} has no role on the subscription.")


class LastOwner(PlansError):
    code = "LastOwner"

    def __init__(self, subscription_id: object) -> None:
        super().__init__(f"Subscription {subscription_id} has no other Owner; make somebody else one first.")
