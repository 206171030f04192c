"""What a customer is charged, as a PDF that can be sent: invoices and statements look alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict, cast

from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos

SELLER: Final = "Siteward"
_HEIGHT: Final = MethodReturnValue.HEIGHT
_MARGIN: Final = 18
_LINE: Final = 4.6
"""Height of a line of text, in millimeters like all lengths here."""
_GAP: Final = 1.6
_TITLES: Final = ("Description", "Period", "How it is computed")
_AMOUNT: Final = 26
_GRAY: Final = 110
_LIGHT: Final = 200
_HAIRLINE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Item:
    """A line of the bill."""

    text: str
    period: str
    computation: str
    amount: str
    small: str
    """What it is about and by which rule, in small print."""


@dataclass(frozen=True, slots=True)
class Bill:
    """All that is printed, in words and figures that are ready."""

    title: str
    dated: datetime
    """Aware UTC; the same bill, printed again, is the same file."""
    facts: Sequence[tuple[str, str]]
    """Who bills whom, for when: names and what they are."""
    remark: str | None
    currency: str
    widths: tuple[int, int, int]
    """Of the columns before the amount; 148 together."""
    items: Sequence[Item]
    sums: Sequence[tuple[str, str]]
    """Names and figures of what leads to the total."""
    total: str
    explanation: str
    """How an amount is computed."""


def print_bill(bill: Bill) -> bytes:
    """The PDF; of the same bill always the same bytes."""
    page = _Pages(bill)
    page.head()
    page.column_titles()
    for item in bill.items:
        page.item(item)
    page.totals()
    return bytes(page.output())


def figure(amount: str) -> str:
    """A decimal string as people write it: `1750.00` as `1,750.00`."""
    whole, _, rest = amount.partition(".")
    return f"{int(whole):,}.{rest}" if not whole.startswith("-0") else f"{whole}.{rest}"


class _After(TypedDict):
    new_x: XPos
    new_y: YPos


_NEW_LINE: Final[_After] = {"new_x": XPos.LMARGIN, "new_y": YPos.NEXT}


class _Pages(FPDF):
    """A4 pages, each with the titles of the columns above its lines and its number at the foot."""

    def __init__(self, bill: Bill) -> None:
        super().__init__(format="A4")
        self._bill = bill
        self._columns = list(zip(_TITLES, bill.widths, strict=True))
        self._in_table = False
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + 6)
        self.set_creation_date(bill.dated)
        self.set_title(bill.title)
        self.set_author(SELLER)
        self.set_lang("en-US")
        self.add_page()

    def header(self) -> None:
        if self._in_table:
            self._text(8, _GRAY)
            self.cell(0, _LINE, f"{SELLER} · {_printable(self._bill.title)}", align="R", **_NEW_LINE)
            self.ln(2)
            self.column_titles()

    def footer(self) -> None:
        self.set_y(-_MARGIN)
        self._text(8, _GRAY)
        self.cell(0, _LINE, f"Page {self.page_no()} of {{nb}}")

    def head(self) -> None:
        """Who bills whom, for when."""
        self._text(20, 0, "B")
        self.cell(0, 10, SELLER, **_NEW_LINE)
        self._text(14, 0, "B")
        self.cell(0, 9, _printable(self._bill.title), **_NEW_LINE)
        self.ln(2)
        for name, value in self._bill.facts:
            self._text(9.5, _GRAY)
            self.cell(26, 5.4, name)
            self._text(9.5, 0)
            self.cell(0, 5.4, _printable(value), **_NEW_LINE)
        if self._bill.remark is not None:
            self.ln(2)
            self._text(9.5, 0, "I")
            self.multi_cell(0, 5, _printable(self._bill.remark), **_NEW_LINE)
        self.ln(5)

    def column_titles(self) -> None:
        """The head of the table; from here on a new page repeats it."""
        self._in_table = True
        self._text(9, 0, "B")
        for title, width in self._columns:
            self.cell(width, 6, title, align="L")
        self.cell(_AMOUNT, 6, f"Amount ({self._bill.currency})", align="R", **_NEW_LINE)
        self._rule(0.4)

    def item(self, item: Item) -> None:
        """One line of the bill, never broken over two pages."""
        cells = [_printable(text) for text in (item.text, item.period, item.computation)]
        self._text(9, 0)
        heights = [
            cast("float", self.multi_cell(width, _LINE, text, dry_run=True, output=_HEIGHT, align="L"))
            for text, (_, width) in zip(cells, self._columns, strict=True)
        ]
        height = max(heights) + _LINE + _GAP
        if self.will_page_break(height):
            self.add_page()
            self._text(9, 0)
        top, left = self.get_y() + _GAP / 2, self.l_margin
        for text, (_, width) in zip(cells, self._columns, strict=True):
            self.set_xy(left, top)
            self.multi_cell(width, _LINE, text, align="L")
            left += width
        self.set_xy(left, top)
        self.cell(_AMOUNT, _LINE, item.amount, align="R")
        self.set_xy(self.l_margin, top + max(heights))
        self._text(7, _GRAY)
        self.cell(0, _LINE, _printable(item.small))
        self.set_xy(self.l_margin, top + height - _GAP / 2)
        self._rule(_HAIRLINE)

    def totals(self) -> None:
        """What it comes to; kept together."""
        self._in_table = False
        if self.will_page_break((len(self._bill.sums) + 1) * 6 + 6 + 3 * _LINE):
            self.add_page()
        self.ln(3)
        for name, amount in self._bill.sums:
            self._text(10, 0)
            self._total(name, amount)
        self._rule(0.4, start=self.w - _MARGIN - 70)
        self._text(11, 0, "B")
        self._total("Total", f"{self._bill.total} {self._bill.currency}")
        self.ln(6)
        self._text(8, _GRAY)
        self.multi_cell(0, _LINE, self._bill.explanation, align="L", **_NEW_LINE)

    def _total(self, name: str, amount: str) -> None:
        self.set_x(self.w - _MARGIN - 70)
        self.cell(30, 6, name)
        self.cell(40, 6, amount, align="R", **_NEW_LINE)

    def _text(self, size: float, gray: int, style: str = "") -> None:
        self.set_font("Helvetica", style, size)
        self.set_text_color(gray)

    def _rule(self, width: float, *, start: float | None = None) -> None:
        self.set_line_width(width)
        self.set_draw_color(_GRAY if width > _HAIRLINE else _LIGHT)
        left = self.l_margin if start is None else start
        self.line(left, self.get_y(), self.w - _MARGIN, self.get_y())


def _printable(text: str) -> str:
    """The fonts that every PDF reader has know Latin-1 alone."""
    return text.encode("latin-1", "replace").decode("latin-1")
