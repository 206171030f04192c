"""An invoice as a PDF that a customer can be sent."""

from collections.abc import Sequence
from typing import Final

from services.licensing.domain.line import Line
from services.licensing.domain.term import MONTHS
from services.licensing.domain.totals import Totals
from services.licensing.store.invoices import Invoice
from shared.bill_pdf import SELLER, Bill, Item, figure, print_bill
from shared.events.wire import major_units

_WIDTHS: Final = (62, 28, 58)
_EXPLANATION: Final = (
    "An amount is the rate of one license × quantity × days in effect / days in the period, rounded half up. "
    "What was charged by the month is credited as what was charged, less twelve months' rate for the days used."
)
_DRAFT: Final = "Not payable yet: it holds what was charged so far and grows until it closes."


def printed(invoice: Invoice, lines: Sequence[Line]) -> bytes:
    """The PDF; of the same invoice always the same bytes."""
    number, totals = invoice.number, Totals.of(lines)
    return print_bill(
        Bill(
            title="Draft invoice" if number is None else f"Invoice {number}",
            dated=invoice.closed_at or invoice.period_start,
            facts=[
                ("Tenant", str(invoice.tenant_id)),
                (
                    "Period",
                    f"{invoice.period_start:%Y-%m-%d} to {invoice.period_end:%Y-%m-%d} (not included), UTC",
                ),
                ("Currency", invoice.currency),
                ("Number", number or "Draft"),
                ("Closed" if invoice.closed_at else "Closes", f"{invoice.period_end:%Y-%m-%d %H:%M} UTC"),
            ],
            remark=_DRAFT if number is None else None,
            currency=invoice.currency,
            widths=_WIDTHS,
            items=[_item(line) for line in lines],
            sums=[
                ("Charges", _figure(totals.charges)),
                ("Credits", _figure(-totals.credits)),
                ("Tax", _figure(totals.tax)),
            ],
            total=_figure(totals.total),
            explanation=_EXPLANATION,
        )
    )


def file_name(invoice: Invoice) -> str:
    name = invoice.number or f"draft-{invoice.period_start:%Y%m}-{invoice.currency}"
    return f"{SELLER.lower()}-{name}.pdf"


def _item(line: Line) -> Item:
    return Item(
        text=line.text,
        period=f"{line.starts_at:%Y-%m-%d} to {line.ends_at:%Y-%m-%d}",
        computation=_computation(line),
        amount=_figure(line.amount),
        small=f"license {line.license_id}, rule {line.rule}",
    )


def _computation(line: Line) -> str:
    share = f"{_figure(line.rate)} × {line.quantity} × {line.in_effect} / {line.in_period}"
    if line.kind == "tax":
        return share
    if line.charged is None:
        return f"{share} days"
    return f"{_figure(line.charged)} charged, less {MONTHS} × {share} days"


def _figure(minor: int) -> str:
    return figure(major_units(minor))
