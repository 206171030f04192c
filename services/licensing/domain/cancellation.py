"""Ending a license for a refund, while its window is open (B17)."""

from dataclasses import dataclass
from datetime import datetime

from services.licensing.domain.errors import CancellationWindowClosed, LicenseNotActive, LicensingError
from services.licensing.domain.license import License
from services.licensing.domain.refund import refund


@dataclass(frozen=True, slots=True)
class Cancellation:
    license: License
    """As it is after the cancel."""
    refund: int
    """In minor units of the license's currency."""


def refusal(license: License, *, now: datetime) -> LicensingError | None:
    """Why the license cannot be cancelled at `now`; None where it can."""
    if license.status != "active":
        return LicenseNotActive(license.id, license.status)
    if now >= license.cancellable_until:
        return CancellationWindowClosed(license.id, license.cancellable_until, license.term_end)
    return None


def cancel(license: License, *, now: datetime) -> Cancellation:
    """End the license at `now` (aware UTC) and price the days not used (B17).

    Raises CancellationWindowClosed from `cancellable_until` on, LicenseNotActive where it has ended already.
    """
    if (reason := refusal(license, now=now)) is not None:
        raise reason
    return Cancellation(license.disabled(at=now), refund(license, on=now))
