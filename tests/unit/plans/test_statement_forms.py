"""Do a statement's JSON, CSV and PDF say the same, and can it be computed anew from each line?"""

import csv
import io
import re
import zlib
from dataclasses import replace
from typing import Final
from uuid import UUID

import orjson
import pytest

from services.plans import statement_csv, statement_pdf
from services.plans.domain.statement import Terms, closed, draft
from services.plans.events import statement_state
from shared.events.state import StatementState
from shared.offline.recompute import recompute
from tests.unit.times import at

SUBSCRIPTION: Final = UUID("019ca8a9-3d40-7000-8000-0000000000aa")
TRIAL: Final = Terms(1, at("2026-05-22"), at("2026-06-06T10:30:00"), "trial", 1000, 0, "USD")
MONTHLY: Final = Terms(
    2, at("2026-06-06T10:30:00"), at("2026-06-16T00:00:07"), "monthly", 1000, 14_000, "USD"
)
ANNUAL: Final = Terms(4, at("2026-06-16T00:00:07"), at("2026-06-25"), "annual", 1500, 12_600, "USD")
LICENSES: Final = Terms(6, at("2026-06-25"), None, "microsoft_365", None, None, None)
ALL: Final = (TRIAL, MONTHLY, ANNUAL, LICENSES)


def state(*terms: Terms, now: str | None = None) -> StatementState:
    month = at("2026-06-01")
    found = (
        closed(SUBSCRIPTION, terms, month) if now is None else draft(SUBSCRIPTION, terms, month, now=at(now))
    )
    assert found is not None
    return statement_state(found)


def text_of(pdf: bytes) -> str:
    """What is drawn on the pages."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return "\n".join(zlib.decompress(stream).decode("latin-1") for stream in streams)


def test_a_statement_looks_as_the_contract_has_it() -> None:
    shown = orjson.loads(state(*ALL).model_dump_json())
    assert shown | {"lines": None} == {
        "subscription_id": str(SUBSCRIPTION),
        "month": "2026-06",
        "status": "closed",
        "period": {"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"},
        "currency": "USD",
        "lines": None,
        "total": {"amount": "1013.24", "currency": "USD"},
        "closes_at": "2026-07-01T00:00:00Z",
        "note": "Site licenses are invoiced to the tenant as a whole: GET /v1/invoices.",
    }
    assert [line["rule"] for line in shown["lines"]] == ["B60", "B58", "B58"]
    assert shown["lines"][2] == {
        "kind": "charge",
        "text": "1,500 committed devices, annual",
        "resource": f"plan/{SUBSCRIPTION}",
        "sku": None,
        "version": 4,
        "from": "2026-06-16T00:00:07Z",
        "to": "2026-06-25T00:00:00Z",
        "basis": "seconds",
        "in_effect": 777_593,
        "in_period": 2_592_000,
        "rate": "126.00",
        "quantity": 1500,
        "unrounded": "566.99489583",
        "amount": "566.99",
        "rule": "B58",
    }


@pytest.mark.parametrize("now", [None, "2026-06-01", "2026-06-10T11:12:13", "2026-06-30T23:59:59"])
def test_anyone_can_compute_it_anew(now: str | None) -> None:
    document = state(*ALL, now=now).model_dump_json().encode()
    assert [check.pointer for check in recompute(document) if check.differences] == []


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        (b'"in_effect":777593', b'"in_effect":777594', ["/lines/2"]),
        (b'"quantity":1500', b'"quantity":1600', ["/lines/2"]),
        (b'"566.99489583"', b'"566.99489584"', ["/lines/2"]),
        (b'"566.99"', b'"567.00"', ["/lines/2", "/total"]),
        (b'"1013.24"', b'"1013.25"', ["/total"]),
    ],
)
def test_what_was_tampered_with_is_named(old: bytes, new: bytes, named: list[str]) -> None:
    document = state(*ALL).model_dump_json().encode()
    assert old in document
    tampered = document.replace(old, new)
    assert [check.pointer for check in recompute(tampered) if check.differences] == named


def test_its_csv_has_a_row_for_each_line() -> None:
    statement = state(*ALL)
    written = statement_csv.written(statement)
    assert written.count(b"\r\n") == written.count(b"\n") == 4
    rows = list(csv.DictReader(io.StringIO(written.decode(), newline="")))
    lines = orjson.loads(statement.model_dump_json())["lines"]
    for row, line in zip(rows, lines, strict=True):
        assert row["subscription_id"] == str(SUBSCRIPTION)
        assert (row["month"], row["status"], row["currency"]) == ("2026-06", "closed", "USD")
        assert {name: row[name] for name in line if name != "sku"} == {
            name: str(value) for name, value in line.items() if name != "sku"
        }


def test_a_statement_without_lines_has_the_names_of_the_columns_alone() -> None:
    assert statement_csv.written(state(LICENSES)).count(b"\r\n") == 1


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\r=1", "'\r=1"),
        ("-12.50", "-12.50"),
        ("-12.50=", "'-12.50="),
        ("1,000 committed devices, monthly", "1,000 committed devices, monthly"),
        ("", ""),
    ],
)
def test_no_cell_is_a_formula_and_numbers_stay_numbers(text: str, cell: str) -> None:
    assert statement_csv.safe(text) == cell


def test_a_closed_statement_can_be_printed() -> None:
    pdf = statement_pdf.printed(state(*ALL))
    assert pdf.startswith(b"%PDF")
    text = text_of(pdf)
    for shown in (
        "Statement 2026-06",
        str(SUBSCRIPTION),
        "1,500 committed devices, annual",
        "2026-06-16 00:00:07",
        "777,593 / 2,592,000",
        "566.99",
        "1,013.24 USD",
        "GET /v1/invoices",
    ):
        assert shown in text, shown
    assert "Draft" not in text
    assert statement_pdf.printed(state(*ALL)) == pdf


def test_a_draft_says_so() -> None:
    drafted = state(MONTHLY, now="2026-06-10")
    text = text_of(statement_pdf.printed(drafted))
    assert "Draft statement 2026-06" in text
    assert "Not payable yet" in text
    assert "draft" in statement_pdf.file_name(drafted)


def test_every_page_names_the_columns() -> None:
    many = [
        replace(
            MONTHLY, version=day, starts_at=at(f"2026-06-{day:02}"), ends_at=at(f"2026-06-{day:02}T12:00:00")
        )
        for day in range(1, 31)
    ]
    pdf = statement_pdf.printed(state(*many))
    pages = len(re.findall(rb"/Type /Page\n", pdf))
    assert pages > 1
    assert text_of(pdf).count("How it is computed") == pages
