"""The one way in which amounts are rounded."""

from fractions import Fraction
from math import floor


def to_minor_units(amount: Fraction) -> int:
    """Half up in size, to whole minor units; a credit is rounded like the charge it mirrors (B84)."""
    rounded = floor(abs(amount) + Fraction(1, 2))
    return rounded if amount >= 0 else -rounded
