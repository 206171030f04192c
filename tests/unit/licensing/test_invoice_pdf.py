"""Is an invoice's PDF whole, and the same each time it is asked for?"""

import re
import zlib
from dataclasses import replace

import pytest

from services.licensing.domain.line import Line
from services.licensing.invoice_pdf import file_name, printed
from services.licensing.store.invoices import Invoice
from tests.unit.licensing.given import LICENSE_ID, TENANT_ID
from tests.unit.times import at

DRAFT = Invoice(LICENSE_ID, TENANT_ID, at("2026-03-01"), at("2026-04-01"), "USD", None, None)
CLOSED = replace(DRAFT, number="202603-0D4F6A11-USD", closed_at=at("2026-04-01"))
LINE = Line(
    kind="charge",
    text="1 × OT_SITE_L, purchase",
    license_id=LICENSE_ID,
    sku="OT_SITE_L",
    version=1,
    starts_at=at("2026-03-01T09:30:00"),
    ends_at=at("2027-03-01"),
    in_effect=365,
    in_period=365,
    rate=175_000,
    quantity=1,
    currency="USD",
    charged=None,
    rule="B8",
)


def text_of(pdf: bytes) -> str:
    """What is drawn on the pages."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return "\n".join(zlib.decompress(stream).decode("latin-1") for stream in streams)


def test_a_closed_invoice_shows_who_when_what_and_how_much() -> None:
    pdf = printed(CLOSED, [LINE])
    assert pdf.startswith(b"%PDF")
    text = text_of(pdf)
    for shown in ("Siteward", "Invoice 202603-0D4F6A11-USD", str(TENANT_ID), "2026-03-01", "1,750.00", "365"):
        assert shown in text
    assert file_name(CLOSED) == "siteward-202603-0D4F6A11-USD.pdf"


def test_a_draft_says_so() -> None:
    assert "Draft" in text_of(printed(DRAFT, [LINE]))


def test_the_same_invoice_gives_the_same_bytes() -> None:
    assert printed(CLOSED, [LINE] * 3) == printed(CLOSED, [LINE] * 3)


def test_every_page_names_the_columns() -> None:
    pdf = printed(CLOSED, [replace(LINE, quantity=number) for number in range(1, 61)])
    pages = len(re.findall(rb"/Type /Page\n", pdf))
    assert pages > 1
    assert text_of(pdf).count("How it is computed") == pages


@pytest.mark.parametrize("text", ["", "Żółw € – 漢字", "x" * 500, "long " * 200])
def test_any_text_can_be_printed(text: str) -> None:
    assert printed(CLOSED, [replace(LINE, text=text)]).startswith(b"%PDF")
