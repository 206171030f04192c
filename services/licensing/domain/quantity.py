"""Changing how many licenses there are, by a new total (B14, B15, B16)."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.licensing.domain.change import Change
from services.licensing.domain.charge import add_batch
from services.licensing.domain.credit import take_back
from services.licensing.domain.errors import (
    AutoRenewOff,
    LicenseInUse,
    LicenseNotActive,
    LicensingError,
    RaisedTooOften,
    TrialQuantityFixed,
)
from services.licensing.domain.license import Batch, License
from services.licensing.domain.line import Line
from services.licensing.domain.renewal import as_it_is

MOST_OPEN: Final = 500
"""Batches of one license with an open window: each of its events carries all of them, and has to fit into a record."""


def refusal(license: License, total: int, *, assigned: int, now: datetime) -> LicensingError | None:
    """Why the total cannot be set; None where it can."""
    if license.status == "trial":
        return TrialQuantityFixed(license.id)
    if license.status != "active":
        return LicenseNotActive(license.id, license.status)
    if total >= license.quantity:
        return None if total == license.quantity else _refusal_to_add(license, now)
    if total < assigned:
        return LicenseInUse(license.id, assigned)
    if not license.auto_renew and not _is_covered(license, total, now):
        return AutoRenewOff(license.id)
    return None


def _refusal_to_add(license: License, now: datetime) -> LicensingError | None:
    batches = license.open_batches(now)
    if len(batches) < MOST_OPEN:
        return None
    return RaisedTooOften(license.id, len(batches), batches[0].reducible_until)


def set_quantity(license: License, total: int, *, assigned: int, now: datetime) -> Change | None:
    """The license with `total` licenses; None where it has just so many.

    Added ones are charged and usable at once, as a batch with a window of its own. A reduction that the open
    batches cover is refunded at once, from the youngest batch on; any other waits for the renewal as a whole.
    Raises TrialQuantityFixed, LicenseNotActive, LicenseInUse (reduced below `assigned`), AutoRenewOff,
    RaisedTooOften.
    """
    if (reason := refusal(license, total, assigned=assigned, now=now)) is not None:
        raise reason
    if total == license.quantity:
        return None
    if total > license.quantity:
        added, line = add_batch(license.next(now), total - license.quantity, now=now)
        return Change(added, "quantity_changed", now, (line,))
    if not _is_covered(license, total, now):
        later = replace(license.scheduled or as_it_is(license), quantity=total)
        if later == license.scheduled:
            return None
        return Change(license.next(now, scheduled=later), "change_scheduled", now)
    batches, refunds = _reduced(license, license.quantity - total, now)
    return Change(license.next(now, batches=batches), "quantity_changed", now, refunds)


def _is_covered(license: License, total: int, now: datetime) -> bool:
    return license.quantity - total <= sum(batch.quantity for batch in license.open_batches(now))


def _reduced(license: License, by: int, now: datetime) -> tuple[tuple[Batch, ...], tuple[Line, ...]]:
    kept: list[Batch] = []
    refunds: list[Line] = []
    for batch in reversed(license.batches):
        taken = min(by, batch.quantity)
        by -= taken
        if not taken:
            kept.append(batch)
            continue
        rest, line = take_back(license, batch, taken, now=now, text="licenses taken back", rule="B16")
        refunds.append(line)
        if rest.quantity:
            kept.append(rest)
    return tuple(reversed(kept)), tuple(refunds)
