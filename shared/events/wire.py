"""How values look on the wire, in events and in HTTP bodies alike: models, times, money."""

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Annotated, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, Strict

_MINOR_UNITS: Final = 100
_RFC_3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


class WireModel(BaseModel):
    """Immutable, and strict when it is made: an unknown field or a value of another type is refused.

    A reader of somebody else's data passes `extra="ignore"` when it validates, so that a newer writer's
    additional fields do no harm.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        # `from` is a word of Python's: such fields have a name of their own here, and theirs on the wire.
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        use_attribute_docstrings=True,
    )


def in_utc(moment: datetime) -> datetime:
    """The same moment with UTC as its time zone.

    Raises ValueError for a naive datetime, and for one whose UTC is outside of the calendar.
    """
    if moment.tzinfo is UTC:
        return moment
    if moment.utcoffset() is None:
        raise ValueError("a time needs its time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("a time has to be between the years 1 and 9999 in UTC") from None


def utc_text(moment: datetime) -> str:
    """RFC 3339 with `Z`; microseconds only where there are any. Raises ValueError as `in_utc` does."""
    return in_utc(moment).replace(tzinfo=None).isoformat() + "Z"


Utc = Annotated[AwareDatetime, AfterValidator(in_utc)]
"""A moment in UTC, written as `utc_text` does; a naive datetime is refused, another zone converted."""


def _as_rfc_3339(value: object) -> object:
    if not isinstance(value, datetime) and not (isinstance(value, str) and _RFC_3339.fullmatch(value)):
        raise ValueError("not a time as RFC 3339 writes it, such as 2026-03-01T09:30:00Z")
    return value


UtcInput = Annotated[Utc, Strict(strict=False), BeforeValidator(_as_rfc_3339)]
"""A moment that a caller sends: as text in the one form, where pydantic would also take a number for seconds."""


def major_units(minor: int) -> str:
    """`175000` as `1750.00`; only for currencies with hundredths."""
    major, rest = divmod(abs(minor), _MINOR_UNITS)
    return f"{'-' if minor < 0 else ''}{major}.{rest:02}"


def eight_decimals(minor: Fraction) -> str:
    """An amount in minor units as a decimal string of the major unit, half up in size."""
    size = (abs(minor) * 10**6 * 2 + 1) // 2
    whole, rest = divmod(size, 10**8)
    return f"{'-' if minor < 0 and size else ''}{whole}.{rest:08}"


class Money(WireModel):
    """An amount in a currency, as a decimal string and never a float."""

    amount: str = Field(pattern=r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")
    """In the currency's major unit, such as `1750.00`; negative for a credit."""
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    """ISO 4217."""

    @classmethod
    def of(cls, minor: int, currency: str) -> Self:
        """From minor units (cents), in which all arithmetic is done; only for currencies with hundredths."""
        return cls(amount=major_units(minor), currency=currency)
