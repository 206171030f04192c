"""Trials: one for each tenant for all time, extended once, converted or left to expire (B11, B12, B13)."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.licensing.domain.catalog import Product
from services.licensing.domain.change import Change
from services.licensing.domain.errors import (
    LicenseNotActive,
    LicensingError,
    NotATrial,
    TrialExtensionNotAllowed,
)
from services.licensing.domain.license import Batch, License, Scheduled
from services.licensing.domain.new_term import in_new_term
from services.licensing.domain.purchase import order_number
from services.licensing.domain.term import midnight

LENGTH: Final = timedelta(days=60)
EXTENSION: Final = timedelta(days=30)
EXTENDABLE_WITHIN: Final = timedelta(days=15)
"""Before its end (C4)."""


def start_trial(product: Product, *, license_id: UUID, tenant_id: UUID, now: datetime) -> Change:
    """A trial from `now` (aware UTC) on, which ends at 00:00 UTC 60 days later and is worth nothing."""
    started = License(
        id=license_id,
        tenant_id=tenant_id,
        sku=product.sku,
        site_size=product.site_size,
        max_devices=product.max_devices,
        status="trial",
        is_trial=True,
        auto_renew=False,
        billing_frequency=None,
        purchased_at=now,
        term_start=now,
        term_end=midnight(now) + LENGTH,
        unit_price=None,
        currency=None,
        order_number=order_number(license_id, now),
        batches=(Batch(1, now, charged=0),),
        changed_at=now,
    )
    return Change(started, "trial_started", now)


def refusal_to_extend(license: License, *, now: datetime) -> LicensingError | None:
    """Why the trial cannot be extended at `now`; None where it can."""
    if (reason := _no_running_trial(license)) is not None:
        return reason
    if license.trial_extended:
        return TrialExtensionNotAllowed("The trial has been extended once already.")
    opens_at = license.term_end - EXTENDABLE_WITHIN
    if now < opens_at:
        return TrialExtensionNotAllowed(f"The trial can be extended from {opens_at:%Y-%m-%dT%H:%M:%SZ} on.")
    return None


def extend_trial(license: License, *, now: datetime) -> Change:
    """30 more days. Raises NotATrial, LicenseNotActive, TrialExtensionNotAllowed (B13)."""
    if (reason := refusal_to_extend(license, now=now)) is not None:
        raise reason
    extended = license.next(
        now, term_end=license.term_end + EXTENSION, trial_extended=True, expiring_told=False
    )
    return Change(extended, "trial_extended", now)


def refusal_to_convert(license: License) -> LicensingError | None:
    """Why the license cannot be converted; None where it can: a trial that runs."""
    return _no_running_trial(license)


def convert_now(license: License, product: Product, terms: Scheduled, *, now: datetime) -> Change:
    """Turn the trial itself into the paid license, with a new term from `now` on.

    Raises NotATrial, LicenseNotActive.
    """
    if (reason := refusal_to_convert(license)) is not None:
        raise reason
    converted, line = in_new_term(license, product, terms, start=now, text="trial converted")
    return Change(converted, "trial_converted", now, (line,))


def convert_at_end(license: License, terms: Scheduled, *, now: datetime) -> Change | None:
    """Have the trial turned into the paid license at its end; None where just that is scheduled.

    Raises NotATrial, LicenseNotActive.
    """
    if (reason := refusal_to_convert(license)) is not None:
        raise reason
    if license.scheduled == terms:
        return None
    return Change(license.next(now, scheduled=terms, auto_renew=True), "change_scheduled", now)


def _no_running_trial(license: License) -> LicensingError | None:
    if not license.is_trial:
        return NotATrial(license.id)
    return None if license.status == "trial" else LicenseNotActive(license.id, license.status)
