"""Is a month charged by the second, without a hole and without anything twice (B58, B59, B62)?"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.statement import (
    Statement,
    Terms,
    closed,
    draft,
    month_before,
    next_month,
    next_to_close,
)
from tests.unit.times import at

SUBSCRIPTION: Final = UUID("019ca8a9-3d40-7000-8000-0000000000aa")
SECOND: Final = timedelta(seconds=1)
HOUR: Final = timedelta(hours=1)


def terms(start: str, end: str | None = None, *, devices: int = 1000, rate: int | None = 14_000) -> Terms:
    return Terms(
        version=1,
        starts_at=at(start),
        ends_at=None if end is None else at(end),
        price_plan="microsoft_365" if rate is None else "monthly",
        committed_devices=None if rate is None else devices,
        rate=rate,
        currency=None if rate is None else "USD",
    )


def of_month(held: Sequence[Terms], month: str) -> Statement:
    found = closed(SUBSCRIPTION, held, at(month))
    assert found is not None
    return found


def amounts(statement: Statement) -> list[int]:
    return [line.amount for line in statement.lines]


def test_an_edit_in_the_middle_of_june_is_charged_by_the_time_each_held() -> None:
    june = of_month([terms("2026-05-03", "2026-06-16"), terms("2026-06-16", devices=1500)], "2026-06-01")
    assert amounts(june) == [700_00, 1050_00]
    assert june.total == 1750_00
    assert [line.in_effect for line in june.lines] == [15 * 86_400] * 2
    assert {line.in_period for line in june.lines} == {30 * 86_400}


def test_an_edit_confirmed_at_half_past_eleven_of_june_30_changes_july_alone() -> None:
    effective = "2026-07-01T00:30:00"
    held = [terms("2026-05-03", effective), terms(effective, devices=1500)]
    june, july = of_month(held, "2026-06-01"), of_month(held, "2026-07-01")
    assert amounts(june) == [1400_00]
    assert [(line.quantity, line.in_effect) for line in july.lines] == [
        (1000, 1800),
        (1500, 31 * 86_400 - 1800),
    ]
    # 1,400 for 1,800 of 2,678,400 s: 0.940860…; 2,100 less its half hour's 1.411290… = 2,098.588709…
    assert amounts(july) == [94, 2098_59]
    assert july.lines[0].unrounded == Fraction(140_000 * 1800, 2_678_400)


@pytest.mark.parametrize(
    ("month", "days"),
    [("2028-02-01", 29), ("2026-02-01", 28), ("2100-02-01", 28), ("2026-04-01", 30), ("2026-12-01", 31)],
)
def test_a_whole_month_is_a_whole_month_s_rate_however_long_it_is(month: str, days: int) -> None:
    (line,) = of_month([terms("2025-01-01")], month).lines
    assert (line.in_effect, line.in_period, line.amount) == (days * 86_400, days * 86_400, 1400_00)


def test_a_leap_day_alone_is_a_twenty_ninth_of_february() -> None:
    leap_day = of_month([terms("2028-02-29", "2028-03-01")], "2028-02-01")
    assert amounts(leap_day) == [48_28]  # 1,400 / 29 = 48.2758…


def test_a_cancelled_plan_is_charged_only_for_the_time_it_was_active() -> None:
    september = of_month([terms("2026-01-01", "2026-09-04")], "2026-09-01")
    assert amounts(september) == [140_00]  # 3 of 30 days
    assert closed(SUBSCRIPTION, [terms("2026-01-01", "2026-09-04")], at("2026-10-01")) is None


def test_a_plan_that_ends_at_midnight_has_no_statement_of_the_month_that_begins() -> None:
    assert closed(SUBSCRIPTION, [terms("2026-01-01", "2026-09-01")], at("2026-09-01")) is None
    assert next_to_close([terms("2026-01-01", "2026-09-01")], at("2026-09-01")) is None


def test_a_trial_is_a_line_that_costs_nothing_until_it_is_monthly() -> None:
    june = of_month([terms("2026-05-22", "2026-06-21", rate=0), terms("2026-06-21")], "2026-06-01")
    assert amounts(june) == [0, 466_67]  # 10 of 30 days


def test_where_licenses_are_invoiced_nothing_is_charged_and_the_statement_knows() -> None:
    june = of_month([terms("2026-05-22", rate=None)], "2026-06-01")
    assert (june.lines, june.total, june.currency, june.has_site_licenses) == ((), 0, "USD", True)
    migrated = of_month([terms("2026-05-01", "2026-06-11"), terms("2026-06-11", rate=None)], "2026-06-01")
    assert (amounts(migrated), migrated.has_site_licenses) == ([466_67], True)
    assert not of_month([terms("2026-05-22")], "2026-06-01").has_site_licenses


def test_a_draft_is_charged_up_to_now() -> None:
    held = [terms("2026-05-03", "2026-06-16"), terms("2026-06-16", devices=1500)]
    found = draft(SUBSCRIPTION, held, at("2026-06-01"), now=at("2026-06-19"))
    assert found is not None
    assert amounts(found) == [700_00, 210_00]
    assert not found.is_closed
    begun = draft(SUBSCRIPTION, [terms("2026-06-16")], at("2026-06-01"), now=at("2026-06-16"))
    assert begun is not None
    assert begun.lines == ()


def test_lines_of_two_currencies_are_not_added_up() -> None:
    other = replace(terms("2026-06-16"), currency="EUR")
    with pytest.raises(ValueError, match="too many"):
        _ = of_month([terms("2026-05-03", "2026-06-16"), other], "2026-06-01").currency


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        ([terms("2026-01-05")], "2026-02-01"),
        ([terms("2026-01-05", "2026-02-01T00:00:01")], "2026-02-01"),
        # Ended, and added anew before January was closed: February had no plan.
        ([terms("2026-01-05", "2026-01-20"), terms("2026-03-10")], "2026-03-01"),
    ],
)
def test_the_next_month_to_close_is_the_next_with_a_plan(held: list[Terms], expected: str) -> None:
    assert next_to_close(held, at("2026-02-01")) == at(expected)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 -- bounds
def test_months_follow_each_other(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)  # a month ends at a whole second
    month = month_before(moment)
    end = next_month(month)
    assert (month.day, end.day) == (1, 1)
    assert month < moment <= end
    assert month_before(end) == month


@st.composite
def lives(draw: st.DrawFn) -> list[Terms]:
    """A plan's terms, one after the other from some moment on, each from any moment of any second."""
    moments = draw(
        st.lists(
            st.datetimes(datetime(2027, 11, 1), datetime(2028, 4, 30), timezones=st.just(UTC)),  # noqa: DTZ001 -- bounds
            min_size=1,
            max_size=8,
            unique=True,
        ).map(sorted)
    )
    ends = [*moments[1:], draw(st.sampled_from([None, moments[-1] + HOUR]))]
    return [
        Terms(
            version=number,
            starts_at=start,
            ends_at=end,
            price_plan="monthly",
            committed_devices=draw(st.integers(1, 300)) * 100,
            rate=draw(st.sampled_from([0, 1, 12_600, 14_000])),
            currency="USD",
        )
        for number, (start, end) in enumerate(zip(moments, ends, strict=True), start=1)
    ]


MONTHS: Final = [at("2027-10-01")]
while MONTHS[-1] < at("2028-06-01"):
    MONTHS.append(next_month(MONTHS[-1]))


@given(lives())
def test_segments_neither_overlap_nor_leave_a_hole_over_month_ends(held: list[Terms]) -> None:
    statements = [closed(SUBSCRIPTION, held, month) for month in MONTHS]
    lines = [line for one in statements if one is not None for line in one.lines]
    assert all(one.ends_at == two.starts_at for one, two in pairwise(lines))
    until = (held[-1].ends_at or next_month(MONTHS[-1])).replace(microsecond=0)
    begun = held[0].starts_at.replace(microsecond=0)
    assert sum(line.in_effect for line in lines) == (until - begun) // SECOND
    for one in statements:
        if one is not None:
            assert all(one.month <= line.starts_at < line.ends_at <= one.closes_at for line in one.lines)


@given(lives(), st.sampled_from(MONTHS))
def test_the_lines_add_up_to_the_total_and_each_is_within_half_a_cent(
    held: list[Terms], month: datetime
) -> None:
    found = closed(SUBSCRIPTION, held, month)
    if found is None:
        return
    assert found.total == sum(amounts(found))
    for line in found.lines:
        assert line.unrounded == Fraction(line.rate) * line.quantity / 100 * line.in_effect / line.in_period
        assert abs(line.amount - line.unrounded) <= Fraction(1, 2)


@given(lives(), st.sampled_from(MONTHS), st.timedeltas(timedelta(0), timedelta(days=60)))
def test_a_draft_at_the_month_s_end_and_later_is_what_is_closed(
    held: list[Terms], month: datetime, late: timedelta
) -> None:
    at_the_end = draft(SUBSCRIPTION, held, month, now=next_month(month) + late)
    final = closed(SUBSCRIPTION, held, month)
    assert (final and replace(final, is_closed=False)) == at_the_end


@given(lives(), st.sampled_from(MONTHS), st.timedeltas(timedelta(0), timedelta(days=31)))
def test_a_draft_never_charges_more_than_the_close(
    held: list[Terms], month: datetime, into: timedelta
) -> None:
    so_far = draft(SUBSCRIPTION, held, month, now=month + into)
    final = closed(SUBSCRIPTION, held, month)
    if so_far is not None:
        assert final is not None
        assert so_far.total <= final.total


@given(lives())
def test_closing_month_after_month_reaches_every_month_with_a_plan_and_then_ends(held: list[Terms]) -> None:
    month: datetime | None = held[0].starts_at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    reached = []
    while month is not None and month < MONTHS[-1]:
        reached.append(month)
        month = next_to_close(held, next_month(month))
    with_a_plan = [one for one in MONTHS[:-1] if closed(SUBSCRIPTION, held, one) is not None]
    assert reached == with_a_plan
