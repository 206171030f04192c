"""Ending a license for a refund, while its window is open (B17)."""

from datetime import datetime

from services.licensing.domain.change import Change
from services.licensing.domain.credit import take_back
from services.licensing.domain.errors import CancellationWindowClosed, LicenseNotActive, LicensingError
from services.licensing.domain.license import DISABLED_FOR, License


def refusal(license: License, *, now: datetime) -> LicensingError | None:
    """Why the license cannot be cancelled at `now`; None where it can. A trial can at any time."""
    if license.status not in {"active", "trial"}:
        return LicenseNotActive(license.id, license.status)
    closes_at = license.cancellable_until
    if closes_at is not None and now >= closes_at:
        return CancellationWindowClosed(license.id, closes_at, license.term_end)
    return None


def cancel(license: License, *, now: datetime) -> Change:
    """End the license at `now` (aware UTC); its lines are the refund, one for each batch (B17).

    Sites that use it do not stand against it. Raises CancellationWindowClosed from `cancellable_until` on,
    LicenseNotActive where it has ended already.
    """
    if (reason := refusal(license, now=now)) is not None:
        raise reason
    refunds = (
        ()
        if license.is_trial
        else tuple(
            take_back(license, batch, batch.quantity, now=now, text="cancelled", rule="B17")[1]
            for batch in license.batches
        )
    )
    ended = license.next(
        now,
        status="disabled",
        cancelled=True,
        auto_renew=False,
        scheduled=None,
        next_charge_at=None,
        disabled_ends_at=now + DISABLED_FOR,
    )
    return Change(ended, "cancelled", now, refunds)
