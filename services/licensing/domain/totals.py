"""What the lines of an invoice come to (B81)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from services.licensing.domain.line import Kind, Line


@dataclass(frozen=True, slots=True)
class Totals:
    """In minor units; charges and credits as what they are called, so both positive."""

    charges: int
    credits: int
    tax: int

    @property
    def total(self) -> int:
        """Charges − credits + tax, which is the sum of the lines' amounts (B81, B84)."""
        return self.charges - self.credits + self.tax

    @classmethod
    def of(cls, lines: Iterable[Line]) -> Self:
        sums: dict[Kind, int] = {"charge": 0, "credit": 0, "tax": 0}
        for line in lines:
            sums[line.kind] += line.amount
        return cls(sums["charge"], -sums["credit"], sums["tax"])
