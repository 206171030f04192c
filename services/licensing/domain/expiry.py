"""What time does to a license that is not renewed: announced, expired, disabled, deleted (B21, B23)."""

from datetime import datetime

from services.licensing.domain.change import Change
from services.licensing.domain.license import DISABLED_FOR, GRACE, License


def announce(license: License, *, at: datetime) -> Change:
    """Say that the license ends with its term (B23)."""
    return Change(license.next(at, expiring_told=True), "expiring", at)


def expire(license: License, *, at: datetime) -> Change:
    """The term has ended and nothing follows; sites go on for the grace, and it can be reactivated so long."""
    expired = license.next(
        at,
        status="expired",
        auto_renew=False,
        scheduled=None,
        next_charge_at=None,
        grace_ends_at=at + GRACE,
    )
    return Change(expired, "expired", at)


def disable(license: License, *, at: datetime) -> Change:
    """The grace has ended too."""
    disabled = license.next(at, status="disabled", grace_ends_at=None, disabled_ends_at=at + DISABLED_FOR)
    return Change(disabled, "disabled", at)


def delete(license: License, *, at: datetime) -> Change:
    """Final."""
    return Change(
        license.next(at, status="deleted", grace_ends_at=None, disabled_ends_at=None), "deleted", at
    )
