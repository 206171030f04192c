"""What comes back when a license is cancelled within its window (B17, B83)."""

from datetime import datetime
from fractions import Fraction
from typing import Final

from services.licensing.domain.license import Batch, License
from services.licensing.domain.rounding import to_minor_units
from services.licensing.domain.term import day_of, days_between

_CHARGES_PER_TERM: Final = {"annual": 1, "monthly": 12}


def refund(license: License, *, on: datetime) -> int:
    """The sum of what each batch gets back, in minor units."""
    return sum(_of_batch(license, batch, on) for batch in license.batches)


def _of_batch(license: License, batch: Batch, on: datetime) -> int:
    """What was charged, less the price of the days used; its first day counts as used, and none is owed."""
    days = days_between(license.term_start, license.term_end)
    price_of_term = license.unit_price * batch.quantity * _CHARGES_PER_TERM[license.billing_frequency]
    used = Fraction(price_of_term * day_of(batch.added_at, on), days)
    return max(0, to_minor_units(batch.charged - used))
