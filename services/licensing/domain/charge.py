"""What a term, a month and an added batch cost (B8, B16, B20)."""

from dataclasses import replace
from datetime import datetime

from services.licensing.domain.license import Batch, License
from services.licensing.domain.line import Line
from services.licensing.domain.term import days_between, months_after


def start_term(license: License, *, text: str) -> tuple[License, Line]:
    """The license at the start of a term, charged for it: for all of it when billed annually (B8).

    Billed monthly, for its first month.
    """
    line = _line(license, license.term_start, license.quantity, text=text, rule="B8")
    batch = Batch(license.quantity, license.term_start, line.amount)
    following = months_after(license.term_start, 1) if license.billing_frequency == "monthly" else None
    return replace(license, batches=(batch,), next_charge_at=following), line


def charge_month(license: License, *, at: datetime) -> tuple[License, Line]:
    """The license charged for the month that starts at `at`, each batch for its part; also without auto-renew (B20)."""
    line = _line(license, at, license.quantity, text="month of the term", rule="B20")
    rate, _ = license.price
    batches = tuple(
        replace(batch, charged=batch.charged + rate * batch.quantity) for batch in license.batches
    )
    _, following = license.month_at(at)
    return (
        replace(
            license,
            batches=batches,
            next_charge_at=following if following < license.term_end else None,
        ),
        line,
    )


def add_batch(license: License, quantity: int, *, now: datetime) -> tuple[License, Line]:
    """The license with a further batch, charged for the days left, the day itself included (B16)."""
    line = _line(license, now, quantity, text="licenses added", rule="B16")
    return replace(license, batches=(*license.batches, Batch(quantity, now, line.amount))), line


def _line(license: License, start: datetime, quantity: int, *, text: str, rule: str) -> Line:
    rate, currency = license.price
    annual = license.billing_frequency == "annual"
    period = (license.term_start, license.term_end) if annual else license.month_at(start)
    return Line(
        kind="charge",
        text=f"{quantity} × {license.sku}, {text}",
        license_id=license.id,
        sku=license.sku,
        version=license.version,
        starts_at=start,
        ends_at=period[1],
        in_effect=days_between(start, period[1]),
        in_period=days_between(*period),
        rate=rate,
        quantity=quantity,
        currency=currency,
        charged=None,
        rule=rule,
    )
