"""Terms and windows, to the day and the second (api.md section 8)."""

from datetime import UTC, datetime, time, timedelta
from typing import Final

WINDOW: Final = timedelta(hours=168)
"""How long after its start a term can be cancelled, and a batch taken back (B16, B17)."""


def year_after(start: datetime) -> datetime:
    """The end of a term of one year that starts at `start`: midnight UTC of the same date a year later.

    A term that starts on 29 February ends on 28 February (B8).
    """
    day = midnight(start)
    if (day.month, day.day) == (2, 29):
        day = day.replace(day=28)
    return day.replace(year=day.year + 1)


def days_between(start: datetime, end: datetime) -> int:
    """Whole UTC days, the day of the start included and that of the end not."""
    return (midnight(end) - midnight(start)).days


def day_of(start: datetime, now: datetime) -> int:
    """Which day `now` is, counted from 1 on the day of the start (B84)."""
    return days_between(start, now) + 1


def midnight(moment: datetime) -> datetime:
    """00:00 UTC of the day."""
    return datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
