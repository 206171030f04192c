"""Terms, billing months and windows, to the day and the second."""

from calendar import monthrange
from datetime import UTC, datetime, time, timedelta
from typing import Final

WINDOW: Final = timedelta(hours=168)
"""How long after its start a term can be cancelled, and a batch taken back (B16, B17)."""
MONTHS: Final = 12
"""Of a term, and so the charges of one that is billed monthly (B8)."""


def midnight(moment: datetime) -> datetime:
    """00:00 UTC of the day."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)


def months_after(start: datetime, months: int) -> datetime:
    """00:00 UTC of the start's day so many months later, or of that month's last day."""
    start = start.astimezone(UTC)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return datetime(year, month + 1, day, tzinfo=UTC)


def year_after(start: datetime) -> datetime:
    """The end of a term that starts at `start`: 00:00 UTC of the same date a year later (B8).

    A term that starts on 29 February ends on 28 February.
    """
    return months_after(start, MONTHS)


def days_between(start: datetime, end: datetime) -> int:
    """Whole UTC days, the day of the start included and that of the end not."""
    return (midnight(end) - midnight(start)).days


def day_of(start: datetime, now: datetime) -> int:
    """Which day `now` is, counted from 1 on the day of the start (B84)."""
    return days_between(start, now) + 1


def billing_month(start: datetime, now: datetime) -> tuple[datetime, datetime]:
    """The month of a term started at `start` in which `now` lies, as [from, to), both at 00:00 UTC."""
    now, start = now.astimezone(UTC), start.astimezone(UTC)
    passed = (now.year - start.year) * 12 + now.month - start.month
    if now < months_after(start, passed):
        passed -= 1
    return (midnight(start) if passed == 0 else months_after(start, passed)), months_after(start, passed + 1)
