"""Taking an expired license up again, within its grace (B21)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.licensing.domain.catalog import Product
from services.licensing.domain.change import Change
from services.licensing.domain.errors import LicenseNotExpired, LicensingError, TrialAlreadyUsed
from services.licensing.domain.expiry import delete
from services.licensing.domain.license import License
from services.licensing.domain.purchase import purchase
from services.licensing.domain.renewal import as_it_is


def refusal(license: License) -> LicensingError | None:
    """Why the license cannot be reactivated; None where it can. A trial is had once only (B11)."""
    if license.status != "expired":
        return LicenseNotExpired(license.id, license.status)
    return TrialAlreadyUsed() if license.is_trial else None


def reactivate(
    license: License, product: Product, *, license_id: UUID, now: datetime
) -> tuple[Change, Change]:
    """The old license deleted, and a new one with its product and quantity, from `now` on at today's price.

    Raises TrialAlreadyUsed, LicenseNotExpired.
    """
    if (reason := refusal(license)) is not None:
        raise reason
    terms = as_it_is(license)
    bought = purchase(
        product,
        quantity=terms.quantity,
        billing_frequency=terms.billing_frequency,
        auto_renew=True,
        license_id=license_id,
        tenant_id=license.tenant_id,
        now=now,
    )
    return delete(license, at=now), replace(bought, happened="reactivated")
