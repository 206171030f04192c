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
