"""The one way in which amounts are rounded."""

from fractions import Fraction
from math import floor


def to_minor_units(amount: Fraction) -> int:
    """Half up, to whole minor units (B84)."""
    return floor(amount + Fraction(1, 2))
