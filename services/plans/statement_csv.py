"""A statement as CSV (RFC 4180), a row a line, for spreadsheets and for programs that read tables."""

import csv
import io
import re
from typing import Final

from shared.events.state import Line, StatementState
from shared.events.wire import utc_text

_COLUMNS: Final = (
    "subscription_id",
    "month",
    "status",
    "currency",
    "kind",
    "text",
    "resource",
    "version",
    "from",
    "to",
    "basis",
    "in_effect",
    "in_period",
    "rate",
    "quantity",
    "unrounded",
    "amount",
    "rule",
)
_NUMBER: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_STARTS_A_FORMULA: Final = tuple("=+-@\t\r\n")


def written(statement: StatementState) -> bytes:
    """The statement with a row of names above its lines; one without lines has these names alone."""
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(_COLUMNS)
    rows.writerows(_row(statement, line) for line in statement.lines)
    return text.getvalue().encode()


def file_name(statement: StatementState) -> str:
    return f"siteward-statement-{statement.subscription_id}-{statement.month}.csv"


def _row(statement: StatementState, line: Line) -> list[str]:
    cells = (
        statement.subscription_id,
        statement.month,
        statement.status,
        statement.currency,
        line.kind,
        line.text,
        line.resource,
        line.version,
        line.start and utc_text(line.start),
        line.end and utc_text(line.end),
        line.basis,
        line.in_effect,
        line.in_period,
        line.rate,
        line.quantity,
        line.unrounded,
        line.amount,
        line.rule,
    )
    return ["" if cell is None else safe(str(cell)) for cell in cells]


def safe(text: str) -> str:
    """The text so that no spreadsheet takes it for a formula; a number stays what it is."""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) and not _NUMBER.fullmatch(text) else text
