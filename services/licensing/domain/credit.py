"""What comes back for a batch that is taken back within its window (B16, B17, B83)."""

from dataclasses import replace
from datetime import datetime
from fractions import Fraction

from services.licensing.domain.license import Batch, License
from services.licensing.domain.line import Line
from services.licensing.domain.rounding import to_minor_units
from services.licensing.domain.term import day_of, days_between


def take_back(
    license: License, batch: Batch, quantity: int, *, now: datetime, text: str, rule: str
) -> tuple[Batch, Line]:
    """What is left of the batch, and the credit for the `quantity` taken from it.

    The day of the batch's start counts as used, and so does the day of `now` (B84).
    """
    rate, currency = license.price
    part = to_minor_units(Fraction(batch.charged * quantity, batch.quantity))
    annual = license.billing_frequency == "annual"
    line = Line(
        kind="credit",
        text=f"{quantity} × {license.sku}, {text}",
        license_id=license.id,
        sku=license.sku,
        version=license.version + 1,
        starts_at=now,
        ends_at=license.term_end,
        in_effect=days_between(now, license.term_end) - 1 if annual else day_of(batch.added_at, now),
        in_period=license.days,
        rate=rate,
        quantity=quantity,
        currency=currency,
        charged=None if annual else part,
        rule=rule,
    )
    return replace(batch, quantity=batch.quantity - quantity, charged=batch.charged - part), line
