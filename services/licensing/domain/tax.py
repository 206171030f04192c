"""Tax on what is charged: a hook for the installation, which knows its customers' places; none by default."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

from services.licensing.domain.line import Line

Tax = Callable[[Sequence[Line]], Sequence[Line]]
"""From the charges and credits of one change, the tax lines that go with them on the same invoice.

A tax line is computed like any other, so that anyone can compute it again: `rate` is the net amount (negative
for that of a credit), `quantity` 1, and `in_effect / in_period` the share, such as 19 / 100.
"""


def no_tax(_lines: Sequence[Line]) -> Sequence[Line]:
    """Nothing: prices are net, and the customer accounts for tax."""
    return ()


def flat(share: Fraction, *, text: str, rule: str) -> Tax:
    """The same share of every line, such as `Fraction(19, 100)`; what is credited is credited with its tax."""

    def tax(lines: Sequence[Line]) -> Sequence[Line]:
        return [
            replace(
                line,
                kind="tax",
                text=f"{text} on {line.text}",
                in_effect=share.numerator,
                in_period=share.denominator,
                rate=line.amount,
                quantity=1,
                charged=None,
                rule=rule,
            )
            for line in lines
            if line.amount
        ]

    return tax
