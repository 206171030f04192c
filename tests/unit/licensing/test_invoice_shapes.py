"""Does a line of an invoice say what it was computed from?"""

import pytest

from services.licensing.api.invoice_shapes import InvoiceLine
from services.licensing.domain.cancellation import cancel
from services.licensing.domain.line import Line
from services.licensing.domain.quantity import set_quantity
from tests.unit.licensing.given import LICENSE_ID, a_license
from tests.unit.times import at


def test_a_credit_is_negative_and_names_days_and_rule() -> None:
    (line,) = cancel(a_license(bought=at("2026-03-01T09:30:00")), now=at("2026-03-03T10:00:00")).lines
    shown = InvoiceLine.of(line).model_dump(mode="json")
    assert shown == {
        "kind": "credit",
        "text": "1 × OT_SITE_L, cancelled",
        "resource": f"license/{LICENSE_ID}",
        "sku": "OT_SITE_L",
        "version": 2,
        "from": "2026-03-03T10:00:00Z",
        "to": "2027-03-01T00:00:00Z",
        "basis": "days",
        "in_effect": 362,
        "in_period": 365,
        "rate": "1750.00",
        "quantity": 1,
        "unrounded": "-1735.61643836",
        "amount": "-1735.62",
        "rule": "B17",
        "charged": None,
    }


def test_the_credit_of_a_monthly_batch_names_what_was_charged() -> None:
    license = a_license(bought=at("2026-03-01T09:30:00"), billing_frequency="monthly")
    (line,) = cancel(license, now=at("2026-03-03T10:00:00")).lines
    shown = InvoiceLine.of(line)
    assert (shown.charged, shown.in_effect, shown.unrounded) == ("153.13", 3, "-138.02676712")


def _added(bought: str, added: str, *, monthly: bool) -> Line:
    license = a_license(bought=at(bought), billing_frequency="monthly" if monthly else "annual")
    change = set_quantity(license, 2, assigned=0, now=at(added))
    assert change is not None
    return change.lines[0]


@pytest.mark.parametrize(
    ("bought", "added", "monthly", "days", "amount"),
    [
        # A term over a leap day has 366 days; one begun on it ends on 28 February and has 365.
        ("2027-03-01T08:00:00", "2028-02-29T08:00:00", False, (1, 366), 478),
        ("2028-02-29T08:00:00", "2028-02-29T20:00:00", False, (365, 365), 175_000),
        ("2026-01-01T08:00:00", "2026-12-31T23:59:59", False, (1, 365), 479),
        # Months from the 31st run to the last day of shorter ones.
        ("2028-01-31T08:00:00", "2028-02-28T08:00:00", True, (1, 29), 528),
        ("2028-01-31T08:00:00", "2028-02-29T00:00:00", True, (31, 31), 15_313),
        ("2026-12-15T08:00:00", "2027-01-01T00:00:00", True, (14, 31), 6_916),
    ],
)
def test_licenses_added_later_are_charged_for_the_days_left(
    bought: str,
    added: str,
    monthly: bool,  # noqa: FBT001 -- a case's
    days: tuple[int, int],
    amount: int,
) -> None:
    line = _added(bought, added, monthly=monthly)
    assert (line.in_effect, line.in_period) == days
    assert line.amount == amount
