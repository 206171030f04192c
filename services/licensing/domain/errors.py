"""What licensing refuses; each with the facts of its case. `api/problems.py` says how it looks to a caller."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID


class LicensingError(Exception):
    """`code` is part of the contract: callers decide by it."""

    code: ClassVar[str]


class LicenseNotFound(LicensingError):
    code = "LicenseNotFound"

    def __init__(self, license_id: object) -> None:
        super().__init__(f"There is no license {license_id}.")


class ProductNotFound(LicensingError):
    code = "ProductNotFound"

    def __init__(self, sku: str) -> None:
        self.sku = sku
        super().__init__(f"There is no product {sku!r}.")


class LicenseNotActive(LicensingError):
    code = "LicenseNotActive"

    def __init__(self, license_id: UUID, status: str) -> None:
        self.status = status
        super().__init__(f"License {license_id} is {status}; this can be done while it is active only.")


class CancellationWindowClosed(LicensingError):
    """What can be done instead is in the message: auto-renew off."""

    code = "CancellationWindowClosed"

    def __init__(self, license_id: UUID, closed_at: datetime, term_end: datetime) -> None:
        self.closed_at = closed_at
        super().__init__(
            f"License {license_id} could be cancelled until {closed_at:%Y-%m-%dT%H:%M:%SZ}. "
            f"Turn auto-renew off instead: it then ends on {term_end:%Y-%m-%d}."
        )


class LicenseNotExpired(LicensingError):
    code = "LicenseNotExpired"

    def __init__(self, license_id: UUID, status: str) -> None:
        super().__init__(f"License {license_id} is {status}; only an expired one can be reactivated.")


class LicenseInUse(LicensingError):
    code = "LicenseInUse"

    def __init__(self, license_id: UUID, assigned: int) -> None:
        super().__init__(f"{assigned} sites use license {license_id}; it cannot have fewer than that.")


class AutoRenewOff(LicensingError):
    code = "AutoRenewOff"

    def __init__(self, license_id: UUID) -> None:
        super().__init__(
            f"License {license_id} ends with its term, so nothing can wait for its renewal; turn auto-renew on first."
        )


class RaisedTooOften(LicensingError):
    code = "RaisedTooOften"

    def __init__(self, license_id: UUID, times: int, until: datetime) -> None:
        super().__init__(
            f"License {license_id} was bought and raised {times} times within 7 days. Raise it again from "
            f"{until:%Y-%m-%dT%H:%M:%SZ} on, by more at a time, or buy another one."
        )


class TrialAlreadyUsed(LicensingError):
    code = "TrialAlreadyUsed"

    def __init__(self) -> None:
        super().__init__("A tenant has one trial, and this tenant has had it.")


class TrialQuantityFixed(LicensingError):
    code = "TrialQuantityFixed"

    def __init__(self, license_id: UUID) -> None:
        super().__init__(f"License {license_id} is a trial; convert it before changing its quantity.")


class NotATrial(LicensingError):
    code = "NotATrial"

    def __init__(self, license_id: UUID) -> None:
        super().__init__(f"License {license_id} is no trial.")


class TrialExtensionNotAllowed(LicensingError):
    code = "TrialExtensionNotAllowed"


class InvoiceNotFound(LicensingError):
    code = "InvoiceNotFound"

    def __init__(self, invoice_id: object) -> None:
        super().__init__(f"There is no invoice {invoice_id}.")
