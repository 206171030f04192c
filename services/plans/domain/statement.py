"""What a plan cost in one calendar month, by the second (B58, B59, B62)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final
from uuid import UUID

from services.plans.domain.ot_plan import PricePlan, month_of
from services.plans.domain.rounding import to_minor_units

PER_DEVICES: Final = 100
"""A rate is for so many devices and a month."""
WITHOUT_CHARGES: Final = "USD"
"""The currency of a statement on which nothing is charged."""
_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a plan was priced by, from when to when."""

    version: int
    """Of the plan that set them."""
    starts_at: datetime
    ends_at: datetime | None
    """Not part of it any more; None: still in effect."""
    price_plan: PricePlan
    committed_devices: int | None
    rate: int | None
    """Minor units per 100 devices and month; None where licenses are invoiced instead."""
    currency: str | None


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One span of one month in which the same terms held."""

    version: int
    price_plan: PricePlan
    starts_at: datetime
    ends_at: datetime
    in_effect: int
    """Whole seconds."""
    in_period: int
    """Whole seconds of the month."""
    rate: int
    quantity: int
    """Committed devices."""
    currency: str

    @property
    def unrounded(self) -> Fraction:
        """Rate × quantity / 100 × in_effect / in_period, in minor units."""
        return Fraction(self.rate * self.quantity * self.in_effect, PER_DEVICES * self.in_period)

    @property
    def amount(self) -> int:
        """`unrounded`, rounded to minor units."""
        return to_minor_units(self.unrounded)


@dataclass(frozen=True, slots=True)
class Statement:
    """What a subscription's plan cost in one calendar month, as far as that has gone."""

    subscription_id: UUID
    month: datetime
    """Its start, aware UTC."""
    is_closed: bool
    lines: tuple[StatementLine, ...]
    has_site_licenses: bool
    """Whether the plan followed licenses, which are invoiced elsewhere, for some of the time."""

    @property
    def closes_at(self) -> datetime:
        """The end of the month, which is no part of it."""
        return next_month(self.month)

    @property
    def currency(self) -> str:
        """Of all its lines. Raises ValueError where they differ: their sum would mean nothing."""
        currencies = {line.currency for line in self.lines} or {WITHOUT_CHARGES}
        (currency,) = currencies
        return currency

    @property
    def total(self) -> int:
        """The sum of the lines' amounts, in minor units (B84)."""
        return sum(line.amount for line in self.lines)


def next_month(month: datetime) -> datetime:
    """The start of the calendar month after the one that starts at `month`."""
    return (month + timedelta(days=32)).replace(day=1)


def month_before(month_end: datetime) -> datetime:
    """The start of the calendar month that ends at `month_end`."""
    return month_of(month_end - _SECOND)


def draft(
    subscription_id: UUID, terms: Iterable[Terms], month: datetime, *, now: datetime
) -> Statement | None:
    """The statement of a month that is not closed, charged up to `now`; None where no plan was in effect."""
    return _statement(subscription_id, terms, month, until=now, is_closed=False)


def closed(subscription_id: UUID, terms: Iterable[Terms], month: datetime) -> Statement | None:
    """The statement of a month that is over; None where no plan was in effect."""
    return _statement(subscription_id, terms, month, until=next_month(month), is_closed=True)


def next_to_close(terms: Iterable[Terms], month_end: datetime) -> datetime | None:
    """The start of the first month, from `month_end` on, in which the plan is in effect; None where none is yet."""
    starts = [
        max(one.starts_at, month_end) for one in terms if one.ends_at is None or one.ends_at > month_end
    ]
    return month_of(min(starts)) if starts else None


def _statement(
    subscription_id: UUID, terms: Iterable[Terms], month: datetime, *, until: datetime, is_closed: bool
) -> Statement | None:
    end = next_month(month)
    held = [one for one in terms if one.starts_at < end and (one.ends_at is None or one.ends_at > month)]
    if not held:
        return None
    lines = (_line(one, month, end, until) for one in held)
    return Statement(
        subscription_id,
        month,
        is_closed,
        tuple(line for line in lines if line is not None),
        has_site_licenses=any(one.rate is None for one in held),
    )


def _line(terms: Terms, month: datetime, end: datetime, until: datetime) -> StatementLine | None:
    """None for a time that is charged elsewhere, or has no whole second.

    Times are cut to whole seconds, so that spans which meet add up to the time that they cover together.
    """
    starts_at = max(_whole(terms.starts_at), month)
    ends_at = min(_whole(terms.ends_at or until), end, _whole(until))
    if terms.rate is None or terms.currency is None or ends_at <= starts_at:
        return None
    return StatementLine(
        version=terms.version,
        price_plan=terms.price_plan,
        starts_at=starts_at,
        ends_at=ends_at,
        in_effect=(ends_at - starts_at) // _SECOND,
        in_period=(end - month) // _SECOND,
        rate=terms.rate,
        quantity=terms.committed_devices or 0,
        currency=terms.currency,
    )


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)
