"""What does a tax rule add to an invoice?"""

from fractions import Fraction

import orjson

from services.licensing.api.invoice_shapes import InvoiceOut
from services.licensing.domain.cancellation import cancel
from services.licensing.domain.tax import flat, no_tax
from services.licensing.domain.totals import Totals
from services.licensing.store.invoices import Invoice
from shared.offline.recompute import recompute
from tests.unit.licensing.given import LICENSE_ID, TENANT_ID, a_license
from tests.unit.times import at

VAT = flat(Fraction(19, 100), text="VAT 19 %", rule="VAT")
BOUGHT = at("2026-03-01T09:30:00")
REFUND = cancel(a_license(bought=BOUGHT), now=at("2026-03-03T10:00:00")).lines


def test_there_is_none_by_default() -> None:
    assert list(no_tax(REFUND)) == []


def test_what_is_credited_is_credited_with_its_tax() -> None:
    (line,) = VAT(REFUND)
    assert (line.kind, line.rate, line.quantity, line.in_effect, line.in_period) == (
        "tax",
        -173_562,
        1,
        19,
        100,
    )
    assert line.amount == -32_977  # 329.7678


def test_a_taxed_invoice_adds_up_and_can_be_recomputed() -> None:
    lines = [*REFUND, *VAT(REFUND)]
    assert Totals.of(lines) == Totals(charges=0, credits=173_562, tax=-32_977)
    invoice = Invoice(LICENSE_ID, TENANT_ID, at("2026-03-01"), at("2026-04-01"), "USD", None, None)
    shown = orjson.loads(InvoiceOut.of(invoice, lines).model_dump_json())
    assert shown["tax"] == {"amount": "-329.77", "currency": "USD"}
    assert shown["total"] == {"amount": "-2065.39", "currency": "USD"}
    assert shown["lines"][1]["basis"] is None
    assert not [check for check in recompute(orjson.dumps(shown)) if check.differences]
