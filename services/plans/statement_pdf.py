"""A statement as a PDF that a customer can be sent."""

from typing import Final

from shared.bill_pdf import SELLER, Bill, Item, figure, print_bill
from shared.events.state import Line, StatementState

_WIDTHS: Final = (54, 36, 58)
_EXPLANATION: Final = (
    "An amount is the rate of 100 devices for a month × committed devices / 100 × seconds in effect / "
    "seconds of the month, rounded half up. All times are UTC."
)
_DRAFT: Final = "Not payable yet: it is charged up to now and grows until it closes."


def printed(statement: StatementState) -> bytes:
    """The PDF; of the same statement always the same bytes."""
    is_draft = statement.status == "draft"
    period = statement.period
    remarks = [remark for remark in (_DRAFT if is_draft else None, statement.note) if remark is not None]
    return print_bill(
        Bill(
            title=f"{'Draft statement' if is_draft else 'Statement'} {statement.month}",
            dated=period.start if is_draft else statement.closes_at,
            facts=[
                ("Subscription", str(statement.subscription_id)),
                ("Period", f"{period.start:%Y-%m-%d} to {period.end:%Y-%m-%d} (not included), UTC"),
                ("Currency", statement.currency),
                ("Closes" if is_draft else "Closed", f"{statement.closes_at:%Y-%m-%d %H:%M} UTC"),
            ],
            remark="\n".join(remarks) or None,
            currency=statement.currency,
            widths=_WIDTHS,
            items=[_item(line) for line in statement.lines],
            sums=[],
            total=figure(statement.total.amount),
            explanation=_EXPLANATION,
        )
    )


def file_name(statement: StatementState) -> str:
    draft = "draft-" if statement.status == "draft" else ""
    return f"{SELLER.lower()}-statement-{draft}{statement.subscription_id}-{statement.month}.pdf"


def _item(line: Line) -> Item:
    return Item(
        text=line.text,
        period=f"{line.start:%Y-%m-%d %H:%M:%S} to\n{line.end:%Y-%m-%d %H:%M:%S}",
        computation=f"{figure(line.rate or '0.00')} × {line.quantity:,} / 100\n"
        f"× {line.in_effect:,} / {line.in_period:,} seconds",
        amount=figure(line.amount),
        small=f"version {line.version} of the plan, rule {line.rule}",
    )
