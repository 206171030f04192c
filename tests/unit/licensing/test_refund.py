"""What comes back when a license is cancelled, worked out by hand: charged less 'price of the term x k / D'."""

from dataclasses import replace
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.domain.cancellation import cancel
from services.licensing.domain.catalog import BillingFrequency
from services.licensing.domain.license import Batch
from services.licensing.domain.term import day_of, days_between
from tests.unit.licensing.given import a_license, a_product, refund, refunded, with_batch
from tests.unit.licensing.test_term import starts
from tests.unit.times import at

within_the_window = st.timedeltas(timedelta(0), timedelta(hours=168) - timedelta(microseconds=1))
frequencies = st.sampled_from(["annual", "monthly"])
prices = st.integers(0, 10**9)
quantities = st.integers(1, 10**6)


@pytest.mark.parametrize(
    ("day", "cents"),
    [
        (1, 174_521),  # 1,750.00 x 364/365 = 1,745.2055
        (2, 174_041),  #            363/365 = 1,740.4110
        (3, 173_562),  #            362/365 = 1,735.6164
        (4, 173_082),  #            361/365 = 1,730.8219
        (5, 172_603),  #            360/365 = 1,726.0274
        (6, 172_123),  #            359/365 = 1,721.2329
        (7, 171_644),  #            358/365 = 1,716.4384
        (8, 171_164),  #            357/365 = 1,711.6438
    ],
)
def test_on_day_k_of_a_year_the_other_days_come_back(day: int, cents: int) -> None:
    license = a_license(bought=at("2026-03-01T09:29:59"))
    assert (
        refunded(
            cancel(license, now=at(f"2026-03-0{day}T09:29:58" if day == 8 else f"2026-03-0{day}T09:29:59"))
        )
        == cents
    )


@pytest.mark.parametrize(
    ("day", "cents"),
    [
        (1, 174_522),  # 1,750.00 x 365/366 = 1,745.2186
        (3, 173_566),  #            363/366 = 1,735.6557
        (8, 171_175),  #            358/366 = 1,711.7486
    ],
)
def test_a_term_with_a_29th_of_february_has_366_days(day: int, cents: int) -> None:
    license = a_license(bought=at("2027-03-01"))
    assert refund(license, on=at(f"2027-03-0{day}")) == cents


def test_a_term_that_starts_on_29_february_has_365_days() -> None:
    license = a_license(bought=at("2028-02-29T12:00:00"))
    assert refunded(cancel(license, now=at("2028-03-02T12:00:00"))) == 173_562  # day 3: 362/365


def test_a_start_in_the_last_second_of_a_day_uses_that_day_up() -> None:
    license = a_license(bought=at("2026-03-01T23:59:59"))
    assert refunded(cancel(license, now=at("2026-03-01T23:59:59"))) == 174_521  # day 1
    assert refunded(cancel(license, now=at("2026-03-02T00:00:00"))) == 174_041  # day 2, a second later


@pytest.mark.parametrize(
    ("day", "quantity", "cents"),
    [
        (1, 1, 14_810),  # 153.13 - 12 x 153.13 x 1/365 = 153.13 -  5.0344 = 148.0956
        (3, 1, 13_803),  #                        3/365 = 153.13 - 15.1032 = 138.0268
        (8, 1, 11_285),  #                        8/365 = 153.13 - 40.2753 = 112.8547
        (
            8,
            3,
            33_856,
        ),  # 459.39 - 3 x 12 x 153.13 x 8/365 = 459.39 - 120.8259 = 338.5641, one line for the three
    ],
)
def test_billed_monthly_the_month_less_the_days_used_comes_back(day: int, quantity: int, cents: int) -> None:
    license = a_license(bought=at("2026-03-01"), quantity=quantity, billing_frequency="monthly")
    assert refund(license, on=at(f"2026-03-0{day}")) == cents


def test_half_a_cent_comes_back_as_a_whole_one() -> None:
    license = a_license(bought=at("2027-03-01"), product=a_product(annual=183))
    assert refunded(cancel(license, now=at("2027-03-01"))) == 183  # 1.83 x 365/366 = 1.825
    assert refunded(cancel(license, now=at("2027-03-03"))) == 182  # 1.83 x 363/366 = 1.815


def test_each_batch_is_settled_by_itself_from_its_own_first_day() -> None:
    three = a_license(bought=at("2026-03-01"), quantity=3)
    # Added on day 5 for 1,750.00 x 361/365 = 1,730.82.
    four = with_batch(three, Batch(1, at("2026-03-05T10:00:00"), charged=173_082))
    # On day 8: 5,250.00 x 357/365 = 5,134.9315; and, on its day 4, 1,730.82 - 1,750.00 x 4/365 = 1,711.6419.
    assert refund(four, on=at("2026-03-07T23:59:59")) == 514_932 + 171_644
    assert refund(four, on=at("2026-03-08T00:00:00")) == 513_493 + 171_164


def test_a_batch_that_used_more_than_was_charged_owes_nothing() -> None:
    license = a_license(bought=at("2026-03-01"), billing_frequency="monthly")
    # Added on the last day of the billing month for 153.13 x 1/31 = 4.94; a day of the term costs 5.03.
    with_a_day = with_batch(license, Batch(1, at("2026-03-31"), charged=494))
    alone = refund(license, on=at("2026-03-31"))
    assert refund(with_a_day, on=at("2026-03-31")) == alone


@given(starts, within_the_window, frequencies, prices, quantities)
def test_a_refund_lies_between_nothing_and_what_was_charged(
    start: datetime, later: timedelta, frequency: BillingFrequency, price: int, quantity: int
) -> None:
    product = a_product(annual=price, monthly=price)
    license = a_license(bought=start, quantity=quantity, billing_frequency=frequency, product=product)
    assert 0 <= refunded(cancel(license, now=start + later)) <= price * quantity


@given(starts, within_the_window, within_the_window, frequencies, prices, quantities)
def test_who_cancels_later_never_gets_more(
    start: datetime, one: timedelta, other: timedelta, frequency: BillingFrequency, price: int, quantity: int
) -> None:
    product = a_product(annual=price, monthly=price)
    license = a_license(bought=start, quantity=quantity, billing_frequency=frequency, product=product)
    sooner, later = sorted([one, other])
    assert refund(license, on=start + sooner) >= refund(license, on=start + later)


@given(starts, within_the_window, prices, quantities)
def test_an_annual_refund_is_the_days_left_to_half_a_cent(
    start: datetime, later: timedelta, price: int, quantity: int
) -> None:
    license = a_license(bought=start, quantity=quantity, product=a_product(annual=price))
    days = days_between(license.term_start, license.term_end)
    exact = Fraction(price * quantity * (days - day_of(start, start + later)), days)
    assert -Fraction(1, 2) < refund(license, on=start + later) - exact <= Fraction(1, 2)


@given(starts, within_the_window, st.lists(st.tuples(st.integers(1, 50), within_the_window), max_size=4))
def test_the_refund_is_the_sum_of_what_its_batches_would_get_alone(
    start: datetime, later: timedelta, more: list[tuple[int, timedelta]]
) -> None:
    license = a_license(bought=start, quantity=2)
    alone = [license.batches[0]]
    for quantity, after in more:
        if after <= later:
            batch = Batch(quantity, start + after, charged=quantity * license.price[0])
            alone.append(batch)
            license = with_batch(license, batch)
    on = start + later
    assert refund(license, on=on) == sum(refund(replace(license, batches=(one,)), on=on) for one in alone)
