"""What licensing's routes of invoices answer."""

from collections.abc import Sequence
from typing import Literal, Self
from uuid import UUID

from services.licensing.domain.line import Line
from services.licensing.domain.totals import Totals
from services.licensing.store.invoices import Invoice
from shared.events import state
from shared.events.state import Period
from shared.events.wire import Money, Utc, WireModel, eight_decimals, major_units


class InvoiceLine(state.Line):
    """A line with all that it takes to recompute it."""

    charged: str | None
    """Decimal string: what the batch had been charged, where a credit is reckoned from it."""

    @classmethod
    def of(cls, line: Line) -> Self:
        tax = line.kind == "tax"
        return cls(
            kind=line.kind,
            text=line.text,
            resource=f"license/{line.license_id}",
            sku=line.sku,
            version=line.version,
            start=line.starts_at,
            end=line.ends_at,
            basis=None if tax else "days",
            in_effect=line.in_effect,
            in_period=line.in_period,
            rate=major_units(line.rate),
            quantity=line.quantity,
            unrounded=eight_decimals(line.unrounded),
            amount=major_units(line.amount),
            rule=line.rule,
            charged=None if line.charged is None else major_units(line.charged),
        )


class InvoiceOut(WireModel):
    """What a tenant was charged and credited in one calendar month and currency."""

    id: UUID
    number: str | None
    """Null for a draft."""
    status: Literal["draft", "closed"]
    period: Period
    currency: str
    lines: list[InvoiceLine]
    """In the order they arose; their amounts add up to `total`."""
    charges: Money
    credits: Money
    """Positive: what comes off the charges."""
    tax: Money
    total: Money
    """`charges` − `credits` + `tax`."""
    closes_at: Utc
    """From then on it never changes."""

    @classmethod
    def of(cls, invoice: Invoice, lines: Sequence[Line]) -> Self:
        totals = Totals.of(lines)
        currency = invoice.currency
        return cls(
            id=invoice.id,
            number=invoice.number,
            status="draft" if invoice.closed_at is None else "closed",
            period=Period(start=invoice.period_start, end=invoice.period_end),
            currency=currency,
            lines=[InvoiceLine.of(line) for line in lines],
            charges=Money.of(totals.charges, currency),
            credits=Money.of(totals.credits, currency),
            tax=Money.of(totals.tax, currency),
            total=Money.of(totals.total, currency),
            closes_at=invoice.period_end,
        )


def version_of(invoice: Invoice, lines: Sequence[Line]) -> int:
    """1 when it is begun, one more with each line, and with the close."""
    return 1 + len(lines) + (invoice.closed_at is not None)
