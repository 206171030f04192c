"""When does a term end, and which day of it is today?"""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.domain.term import WINDOW, day_of, days_between, midnight, year_after
from tests.unit.times import at

starts = st.datetimes(datetime(2000, 1, 1), datetime(2399, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2026-03-01T00:00:00", "2027-03-01", 365),
        ("2026-03-01T09:30:00", "2027-03-01", 365),
        ("2026-03-01T23:59:59", "2027-03-01", 365),
        ("2026-12-31T23:59:59.999999", "2027-12-31", 365),
        ("2027-02-28T12:00:00", "2028-02-28", 365),  # 29 February 2028 comes after the end
        ("2027-03-01T12:00:00", "2028-03-01", 366),  # and within this one
        ("2028-02-28T12:00:00", "2029-02-28", 366),
        ("2028-02-29T00:00:00", "2029-02-28", 365),
        ("2028-02-29T23:59:59", "2029-02-28", 365),
        ("2096-02-29T12:00:00", "2097-02-28", 365),
        ("2099-03-01T12:00:00", "2100-03-01", 365),  # 2100 is no leap year
    ],
)
def test_a_term_ends_at_midnight_utc_of_the_same_date_a_year_later(start: str, end: str, days: int) -> None:
    assert year_after(at(start)) == at(end)
    assert days_between(at(start), at(end)) == days


@given(starts)
def test_a_term_has_365_or_366_days_and_ends_on_its_own_date(start: datetime) -> None:
    end = year_after(start)
    assert end == midnight(end)
    assert days_between(start, end) in {365, 366}
    same_date = (end.year, end.month, end.day) == (start.year + 1, start.month, start.day)
    assert same_date or (start.month, start.day, end.month, end.day) == (2, 29, 2, 28)


@given(starts, st.timezones())
def test_the_day_is_that_of_utc_wherever_the_clock_hangs(start: datetime, zone: timezone) -> None:
    assert year_after(start.astimezone(zone)) == year_after(start)
    assert midnight(start.astimezone(zone)) == midnight(start)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-03-01T09:30:00", 1),
        ("2026-03-01T23:59:59.999999", 1),
        ("2026-03-02T00:00:00", 2),
        ("2026-03-08T09:29:59", 8),
        ("2027-02-28T23:59:59", 365),
    ],
)
def test_the_day_of_the_start_is_day_one_and_a_new_one_begins_at_midnight(now: str, day: int) -> None:
    assert day_of(at("2026-03-01T09:30:00"), at(now)) == day


@given(starts, st.timedeltas(timedelta(0), WINDOW - timedelta(microseconds=1)))
def test_a_window_of_168_hours_touches_eight_days_at_the_most(start: datetime, later: timedelta) -> None:
    assert 1 <= day_of(start, start + later) <= 8


def test_the_window_is_168_hours() -> None:
    assert timedelta(seconds=604_800) == WINDOW
