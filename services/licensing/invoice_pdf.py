"""An invoice as a PDF that a customer can be sent."""

from collections.abc import Sequence
from typing import Final, TypedDict, cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

from services.licensing.domain.line import Line
from services.licensing.domain.term import MONTHS
from services.licensing.domain.totals import Totals
from services.licensing.store.invoices import Invoice
from shared.events.wire import major_units

_HEIGHT: Final = MethodReturnValue.HEIGHT
_SELLER: Final = "Siteward"
_MARGIN: Final = 18
_LINE: Final = 4.6
"""Height of a line of text, in millimeters like all lengths here."""
_GAP: Final = 1.6
_COLUMNS: Final = (("Description", 62, "L"), ("Period", 28, "L"), ("How it is computed", 58, "L"))
_AMOUNT: Final = 26
_GRAY: Final = 110
_LIGHT: Final = 200
_HAIRLINE: Final = 0.1
_EXPLANATION: Final = (
    "An amount is the rate of one license × quantity × days in effect / days in the period, rounded half up. "
    "What was charged by the month is credited as what was charged, less twelve months' rate for the days used."
)


class _After(TypedDict):
    new_x: XPos
    new_y: YPos


_NEW_LINE: Final[_After] = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}


def printed(invoice: Invoice, lines: Sequence[Line]) -> bytes:
    """The PDF; of the same invoice always the same bytes."""
    page = _Pages(invoice)
    page.head()
    page.column_titles()
    for line in lines:
        page.item(line)
    page.totals(Totals.of(lines))
    return bytes(page.output())


def file_name(invoice: Invoice) -> str:
    name = invoice.number or f"draft-{invoice.period_start:%Y%m}-{invoice.currency}"
    return f"{_SELLER.lower()}-{name}.pdf"


class _Pages(FPDF):
    """A4 pages, each with the titles of the columns above its lines and its number at the foot."""

    def __init__(self, invoice: Invoice) -> None:
        super().__init__(format="A4")
        self._invoice = invoice
        self._in_table = False
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + 6)
        self.set_creation_date(invoice.closed_at or invoice.period_start)
        self.set_title(self._title)
        self.set_author(_SELLER)
        self.set_lang("en-US")
        self.add_page()

    @property
    def _title(self) -> str:
        number = self._invoice.number
        return "Draft invoice" if number is None else f"Invoice {number}"

    def header(self) -> None:
        if self._in_table:
            self._text(8, _GRAY)
            self.cell(0, _LINE, f"{_SELLER} · {self._title}", align="R", **_NEW_LINE)
            self.ln(2)
            self.column_titles()

    def footer(self) -> None:
        self.set_y(-_MARGIN)
        self._text(8, _GRAY)
        self.cell(0, _LINE, f"Page {self.page_no()} of {{nb}}")

    def head(self) -> None:
        """Who bills whom, for when."""
        invoice = self._invoice
        self._text(20, 0, "B")
        self.cell(0, 10, _SELLER, **_NEW_LINE)
        self._text(14, 0, "B")
        self.cell(0, 9, self._title, **_NEW_LINE)
        self.ln(2)
        facts = [
            ("Tenant", str(invoice.tenant_id)),
            (
                "Period",
                f"{invoice.period_start:%Y-%m-%d} to {invoice.period_end:%Y-%m-%d} (not included), UTC",
            ),
            ("Currency", invoice.currency),
            ("Number", invoice.number or "Draft"),
            ("Closed" if invoice.closed_at else "Closes", f"{invoice.period_end:%Y-%m-%d %H:%M} UTC"),
        ]
        for name, value in facts:
            self._text(9.5, _GRAY)
            self.cell(26, 5.4, name)
            self._text(9.5, 0)
            self.cell(0, 5.4, value, **_NEW_LINE)
        if invoice.number is None:
            self.ln(2)
            self._text(9.5, 0, "I")
            self.multi_cell(
                0,
                5,
                "Not payable yet: it holds what was charged so far and grows until it closes.",
                **_NEW_LINE,
            )
        self.ln(5)

    def column_titles(self) -> None:
        """The head of the table; from here on a new page repeats it."""
        self._in_table = True
        self._text(9, 0, "B")
        for title, width, align in _COLUMNS:
            self.cell(width, 6, title, align=align)
        self.cell(_AMOUNT, 6, f"Amount ({self._invoice.currency})", align="R", **_NEW_LINE)
        self._rule(0.4)

    def item(self, line: Line) -> None:
        """One line of the invoice, never broken over two pages."""
        cells = [
            _printable(line.text),
            f"{line.starts_at:%Y-%m-%d} to {line.ends_at:%Y-%m-%d}",
            _computation(line),
        ]
        self._text(9, 0)
        heights = [
            cast("float", self.multi_cell(width, _LINE, text, dry_run=True, output=_HEIGHT, align=align))
            for text, (_, width, align) in zip(cells, _COLUMNS, strict=True)
        ]
        small = f"license {line.license_id}, rule {line.rule}"
        height = max(heights) + _LINE + _GAP
        if self.will_page_break(height):
            self.add_page()
            self._text(9, 0)
        top, left = self.get_y() + _GAP / 2, self.l_margin
        for text, (_, width, align) in zip(cells, _COLUMNS, strict=True):
            self.set_xy(left, top)
            self.multi_cell(width, _LINE, text, align=align)
            left += width
        self.set_xy(left, top)
        self.cell(_AMOUNT, _LINE, _figure(line.amount), align="R")
        self.set_xy(self.l_margin, top + max(heights))
        self._text(7, _GRAY)
        self.cell(0, _LINE, _printable(small))
        self.set_xy(self.l_margin, top + height - _GAP / 2)
        self._rule(_HAIRLINE)

    def totals(self, totals: Totals) -> None:
        """What it comes to; kept together."""
        self._in_table = False
        if self.will_page_break(4 * 6 + 6 + 3 * _LINE):
            self.add_page()
        self.ln(3)
        for name, amount in (("Charges", totals.charges), ("Credits", -totals.credits), ("Tax", totals.tax)):
            self._text(10, 0)
            self._total(name, _figure(amount))
        self._rule(0.4, start=self.w - _MARGIN - 70)
        self._text(11, 0, "B")
        self._total("Total", f"{_figure(totals.total)} {self._invoice.currency}")
        self.ln(6)
        self._text(8, _GRAY)
        self.multi_cell(0, _LINE, _EXPLANATION, align="L", **_NEW_LINE)

    def _total(self, name: str, figure: str) -> None:
        self.set_x(self.w - _MARGIN - 70)
        self.cell(30, 6, name)
        self.cell(40, 6, figure, align="R", **_NEW_LINE)

    def _text(self, size: float, gray: int, style: str = "") -> None:
        self.set_font("Helvetica", style, size)
        self.set_text_color(gray)

    def _rule(self, width: float, *, start: float | None = None) -> None:
        self.set_line_width(width)
        self.set_draw_color(_GRAY if width > _HAIRLINE else _LIGHT)
        left = self.l_margin if start is None else start
        self.line(left, self.get_y(), self.w - _MARGIN, self.get_y())


def _computation(line: Line) -> str:
    share = f"{_figure(line.rate)} × {line.quantity} × {line.in_effect} / {line.in_period}"
    if line.kind == "tax":
        return share
    if line.charged is None:
        return f"{share} days"
    return f"{_figure(line.charged)} charged, less {MONTHS} × {share} days"


def _figure(minor: int) -> str:
    """As `1,750.00`."""
    whole, _, rest = major_units(minor).partition(".")
    return f"{int(whole):,}.{rest}" if not whole.startswith("-0") else f"{whole}.{rest}"


def _printable(text: str) -> str:
    """The fonts that every PDF reader has know Latin-1 alone."""
    return text.encode("latin-1", "replace").decode("latin-1")
