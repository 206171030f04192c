"""Lines of an invoice: each says from what it was computed, so that anyone can compute it again."""

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal
from uuid import UUID

from services.licensing.domain.rounding import to_minor_units
from services.licensing.domain.term import MONTHS

Kind = Literal["charge", "credit", "tax"]


@dataclass(frozen=True, slots=True)
class Line:
    """An amount, and how it came about. Days are whole UTC days; money is in minor units."""

    kind: Kind
    text: str
    license_id: UUID
    sku: str
    version: int
    """Of the license that the line made."""
    starts_at: datetime
    ends_at: datetime
    """Not part of it any more."""
    in_effect: int
    """Days charged for; for the credit of a monthly batch the days used."""
    in_period: int
    rate: int
    """Of one license: for the term when billed annually, for a month when monthly."""
    quantity: int
    currency: str
    charged: int | None
    """What the batch had been charged, where the credit is reckoned from it."""
    rule: str

    @property
    def unrounded(self) -> Fraction:
        """Rate × quantity × in_effect / in_period; negative for a credit, which never turns into a charge.

        The credit of a monthly batch is what was charged for it, less the days used (B17, B83).
        """
        share = Fraction(self.rate * self.quantity * self.in_effect, self.in_period)
        if self.kind != "credit":
            return share
        return -share if self.charged is None else min(Fraction(0), MONTHS * share - self.charged)

    @property
    def amount(self) -> int:
        """`unrounded`, rounded to minor units."""
        return to_minor_units(self.unrounded)
