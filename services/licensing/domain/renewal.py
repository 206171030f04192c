"""What happens at the end of a term, and what is said about it before (B7, B19)."""

from collections.abc import Mapping
from datetime import datetime

from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.change import Change
from services.licensing.domain.errors import AutoRenewOff, LicenseInUse, LicenseNotActive, LicensingError
from services.licensing.domain.expiry import expire
from services.licensing.domain.license import License, Scheduled
from services.licensing.domain.new_term import in_new_term


def refusal_to_switch(license: License) -> LicensingError | None:
    """Why auto-renew cannot be set; None where it can: only while the license is active (B19)."""
    return None if license.status == "active" else LicenseNotActive(license.id, license.status)


def set_auto_renew(license: License, on: bool, *, now: datetime) -> Change | None:  # noqa: FBT001 -- what it is set to
    """The license with auto-renew on or off; None where it is so. Off drops a scheduled change (B19).

    Raises LicenseNotActive.
    """
    if (reason := refusal_to_switch(license)) is not None:
        raise reason
    if license.auto_renew == on:
        return None
    switched = license.next(now, auto_renew=on, scheduled=license.scheduled if on else None)
    return Change(switched, "auto_renew_changed", now)


def refusal_to_schedule(license: License) -> LicensingError | None:
    """Why no change can be scheduled for the renewal; None where one can."""
    if license.status != "active":
        return LicenseNotActive(license.id, license.status)
    return None if license.auto_renew else AutoRenewOff(license.id)


def schedule(license: License, change: Scheduled, *, assigned: int, now: datetime) -> Change | None:
    """The license with a change of size, quantity or billing that waits for its renewal (B7, B82).

    None where just that is scheduled, or nothing is and it would stay as it is. Asking for what the license
    has already takes a scheduled change back. Raises LicenseNotActive, AutoRenewOff, LicenseInUse (reduced, at
    the same size, below `assigned`).
    """
    if (reason := refusal_to_schedule(license)) is not None:
        raise reason
    if change.sku == license.sku and change.quantity < min(assigned, license.quantity):
        raise LicenseInUse(license.id, assigned)
    wanted = None if change == as_it_is(license) else change
    if wanted == license.scheduled:
        return None
    return Change(license.next(now, scheduled=wanted), "change_scheduled", now)


def filled_in(
    license: License, *, sku: str | None, quantity: int | None, billing_frequency: BillingFrequency | None
) -> Scheduled:
    """The change that is meant where not all is said (null): the rest as it is scheduled, or else as it is.

    Raises LicenseNotActive, AutoRenewOff.
    """
    if (reason := refusal_to_schedule(license)) is not None:
        raise reason
    present = license.scheduled or as_it_is(license)
    return Scheduled(
        sku or present.sku, quantity or present.quantity, billing_frequency or present.billing_frequency
    )


def as_it_is(license: License) -> Scheduled:
    """The change that changes nothing. Raises ValueError for a trial."""
    if license.billing_frequency is None:
        raise ValueError(f"license {license.id} is a trial and is not renewed")
    return Scheduled(license.sku, license.quantity, license.billing_frequency)


def renew(license: License, sold: Mapping[str, Product], *, at: datetime) -> Change:
    """The license in its next term, which starts where the last one ended, at the prices of that day (B7, B82).

    `sold` is the catalog at `at`. A product that is no longer sold cannot be renewed: the license expires.
    """
    following = license.scheduled or as_it_is(license)
    if following.sku not in sold:
        return expire(license, at=at)
    renewed, line = in_new_term(license, sold[following.sku], following, start=at, text="renewal")
    return Change(renewed, "renewed", at, (line,))
