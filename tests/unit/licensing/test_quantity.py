"""What do licenses cost that are added in the middle of a term, and what of them can be taken back?"""

from datetime import datetime

import pytest

from services.licensing.domain.change import Change
from services.licensing.domain.errors import (
    AutoRenewOff,
    LicenseInUse,
    LicenseNotActive,
    RaisedTooOften,
    TrialQuantityFixed,
)
from services.licensing.domain.expiry import expire
from services.licensing.domain.license import Batch, License, Scheduled
from services.licensing.domain.quantity import MOST_OPEN, set_quantity
from services.licensing.domain.renewal import schedule
from services.licensing.events import state_of
from shared.events.codec import encode
from shared.events.event import changes
from shared.events.licensing import LicenseQuantityChanged
from tests.unit.licensing.given import a_license, a_trial, made, passed
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")


def changed(license: License, total: int, now: str | datetime, *, assigned: int = 0) -> Change:
    moment = at(now) if isinstance(now, str) else now
    change = set_quantity(license, total, assigned=assigned, now=moment)
    assert change is not None
    return change


def amounts(change: Change) -> list[int]:
    return [line.amount for line in change.lines]


def six() -> License:
    """Three bought on 1 March, two more on the 3rd, one more on the 6th."""
    license = a_license(bought=BOUGHT, quantity=3)
    license = changed(license, 5, "2026-03-03T12:00:00").license
    return changed(license, 6, "2026-03-06T12:00:00").license


@pytest.mark.parametrize(
    ("now", "days_left", "cents"),
    [
        ("2026-03-01T23:59:59", 365, 350_000),  # on the day of the purchase: 2 x 1,750.00, all of it
        ("2026-03-02T00:00:00", 364, 349_041),  # 3,500.00 x 364/365 = 3,490.4110
        ("2026-06-15T18:00:00", 259, 248_356),  # day 107: 3,500.00 x 259/365 = 2,483.5616
        ("2027-02-28T23:59:59", 1, 959),  # the last day: 3,500.00 x 1/365 = 9.5890
    ],
)
def test_added_licenses_are_charged_for_the_days_left_their_own_included(
    now: str, days_left: int, cents: int
) -> None:
    grown = changed(a_license(bought=BOUGHT, quantity=3), 5, now)
    (line,) = grown.lines
    assert (line.in_effect, line.in_period, line.quantity, line.amount) == (days_left, 365, 2, cents)
    assert (grown.happened, grown.license.quantity, grown.license.version) == ("quantity_changed", 5, 2)
    assert grown.license.batches[-1] == Batch(2, at(now), cents)


def test_a_term_with_a_leap_day_counts_it() -> None:
    license = a_license(bought=at("2027-03-01"))
    (line,) = changed(license, 2, "2028-02-29T10:00:00").lines
    assert (line.in_effect, line.in_period, line.amount) == (1, 366, 478)  # 1,750.00 x 1/366 = 4.7814


@pytest.mark.parametrize(
    ("bought", "now", "days", "cents"),
    [
        # From 10 March to 30 March of the month from 28 February on: 306.26 x 21/31 = 207.4665.
        ("2026-01-31T09:30:00", "2026-03-10T12:00:00", (21, 31), 20_747),
        ("2026-01-31T09:30:00", "2026-02-27T23:00:00", (1, 28), 1_094),  # 306.26 x 1/28 = 10.9379
        ("2026-01-31T09:30:00", "2026-02-28T00:00:00", (31, 31), 30_626),
        ("2028-01-30T09:30:00", "2028-02-28T12:00:00", (1, 30), 1_021),  # 306.26 x 1/30 = 10.2087
        ("2028-01-30T09:30:00", "2028-02-29T12:00:00", (30, 30), 30_626),  # 29 February to 29 March
    ],
)
def test_billed_monthly_they_are_charged_for_the_rest_of_the_billing_month(
    bought: str, now: str, days: tuple[int, int], cents: int
) -> None:
    license = a_license(bought=at(bought), billing_frequency="monthly")
    for month in passed(license, at(now)):
        license = month.license
    (line,) = changed(license, 3, now).lines
    assert ((line.in_effect, line.in_period), line.amount) == (days, cents)


@pytest.mark.parametrize(
    ("bought", "charged_on"),
    [
        ("2026-01-29T10:00:00", ["02-28", "03-29", "04-29", "05-29", "06-29", "07-29"]),
        ("2026-01-30T10:00:00", ["02-28", "03-30", "04-30", "05-30", "06-30", "07-30"]),
        ("2026-01-31T10:00:00", ["02-28", "03-31", "04-30", "05-31", "06-30", "07-31"]),
        ("2028-01-31T10:00:00", ["02-29", "03-31", "04-30", "05-31", "06-30", "07-31"]),
        ("2028-02-29T10:00:00", ["03-29", "04-29", "05-29", "06-29", "07-29", "08-29"]),
    ],
)
def test_a_month_is_charged_on_the_day_of_the_start_or_the_months_last(
    bought: str, charged_on: list[str]
) -> None:
    license = a_license(bought=at(bought), billing_frequency="monthly")
    months = passed(license, at(f"{bought[:4]}-{charged_on[-1]}"))
    assert [f"{change.at:%m-%d}" for change in months] == charged_on
    assert {f"{change.at:%H:%M:%S}" for change in months} == {"00:00:00"}
    assert {line.amount for change in months for line in change.lines} == {15_313}


@pytest.mark.parametrize("bought", ["2026-01-31", "2027-03-31", "2028-02-29", "2026-12-01"])
def test_a_term_billed_monthly_is_charged_twelve_times_also_without_renewal(bought: str) -> None:
    license = a_license(bought=at(bought), billing_frequency="monthly", auto_renew=False)
    life = passed(license, license.term_end)
    months = [change for change in life if change.happened == "month_charged"]
    assert 1 + len(months) == 12
    assert (life[-1].happened, life[-1].at) == ("expired", license.term_end)


def test_a_batch_added_in_between_is_charged_by_whole_months_from_the_next_on() -> None:
    license = a_license(bought=at("2026-01-31T09:30:00"), billing_frequency="monthly")
    license = passed(license, at("2026-03-10T12:00:00"))[-1].license
    grown = changed(license, 3, "2026-03-10T12:00:00").license
    (month,) = passed(grown, at("2026-03-31"))
    (line,) = month.lines
    assert (line.quantity, line.amount) == (3, 45_939)  # 3 x 153.13
    assert [batch.charged for batch in month.license.batches] == [3 * 15_313, 20_747 + 30_626]


def test_a_monthly_batch_gets_back_both_months_it_was_charged_for_less_its_days() -> None:
    license = a_license(bought=at("2026-01-31T09:30:00"), billing_frequency="monthly")
    license = passed(license, at("2026-03-29"))[-1].license
    grown = changed(license, 3, "2026-03-29T12:00:00")
    assert amounts(grown) == [1_976]  # 306.26 x 2/31 = 19.7587
    (month,) = passed(grown.license, at("2026-04-02T12:00:00"))
    both = changed(month.license, 1, "2026-04-02T12:00:00")
    # On its 5th day: 19.76 + 306.26 - 12 x 306.26 x 5/365 = 326.02 - 50.3441 = 275.6759.
    assert amounts(both) == [-27_568]
    one = changed(month.license, 2, "2026-04-02T12:00:00")
    assert amounts(one) == [-13_784]  # 163.01 - 12 x 153.13 x 5/365 = 163.01 - 25.1721 = 137.8379
    assert one.license.batches[-1] == Batch(1, at("2026-03-29T12:00:00"), 32_602 - 16_301)
    (line,) = both.lines
    assert (line.in_effect, line.in_period, line.charged) == (5, 365, 32_602)


def test_what_is_taken_back_comes_from_the_youngest_batch_first_a_line_each() -> None:
    shrunk = changed(six(), 2, "2026-03-07T12:00:00")
    # Of the 6th: 1,750.00 x 358/365 = 1,716.4384; of the 3rd twice that, 3,432.8767; one of the 1st.
    assert amounts(shrunk) == [-171_644, -343_288, -171_644]
    assert shrunk.license.batches == (Batch(2, BOUGHT, 350_000),)
    assert {(line.starts_at, line.ends_at) for line in shrunk.lines} == {
        (at("2026-03-07T12:00:00"), at("2027-03-01"))
    }
    assert {line.version for line in shrunk.lines} == {shrunk.license.version}


def test_part_of_a_batch_leaves_its_share_of_what_was_charged() -> None:
    shrunk = changed(six(), 4, "2026-03-09T12:00:00")
    assert [batch.quantity for batch in shrunk.license.batches] == [3, 1]
    assert shrunk.license.batches[1].charged == 174_041  # half of 3,500.00 x 363/365 = 3,480.82
    again = changed(shrunk.license, 3, "2026-03-10T11:59:59")
    assert amounts(again) == [-170_205]  # 1,750.00 x 355/365 = 1,702.0548
    assert again.license.batches == (Batch(3, BOUGHT, 525_000),)


@pytest.mark.parametrize(
    ("total", "now", "at_once"),
    [
        (1, "2026-03-08T09:29:59", True),  # all six can be taken back
        (3, "2026-03-08T09:30:00", True),  # only the two and the one
        (2, "2026-03-08T09:30:00", False),
        (3, "2026-03-10T12:00:00", False),  # only the one
        (5, "2026-03-13T11:59:59", True),
        (5, "2026-03-13T12:00:00", False),  # none
    ],
)
def test_a_reduction_is_made_at_once_where_open_batches_cover_all_of_it(
    total: int,
    now: str,
    at_once: bool,  # noqa: FBT001 - a test's parameter
) -> None:
    change = changed(six(), total, now)
    if at_once:
        assert (change.happened, change.license.quantity) == ("quantity_changed", total)
        assert change.license.scheduled is None
        assert change.lines
    else:
        assert (change.happened, change.license.quantity) == ("change_scheduled", 6)
        assert change.license.scheduled == Scheduled("OT_SITE_L", total, "annual")
        assert not change.lines


def test_a_change_in_mid_term_leaves_what_is_scheduled_alone() -> None:
    planned = made(
        schedule(
            a_license(bought=BOUGHT, quantity=3), Scheduled("OT_SITE_S", 9, "monthly"), assigned=0, now=BOUGHT
        )
    )
    for total in (2, 5):
        assert changed(planned, total, "2026-03-02").license.scheduled == planned.scheduled
    later = changed(planned, 2, "2026-04-01").license
    assert later.scheduled == Scheduled("OT_SITE_S", 2, "monthly")


def test_what_is_so_already_or_scheduled_already_is_no_change() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    assert set_quantity(license, 3, assigned=3, now=BOUGHT) is None
    later = changed(license, 2, "2026-04-01").license
    assert set_quantity(later, 2, assigned=0, now=at("2026-04-02")) is None


@pytest.mark.parametrize("now", ["2026-03-02", "2026-04-01"])
def test_no_reduction_goes_below_the_sites_that_use_it(now: str) -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    with pytest.raises(LicenseInUse):
        set_quantity(license, 1, assigned=2, now=at(now))
    assert set_quantity(license, 2, assigned=2, now=at(now)) is not None


@pytest.mark.parametrize("total", [3, 4, 5])
def test_more_can_be_had_where_more_sites_are_known_of_than_there_are_licenses(total: int) -> None:
    change = set_quantity(a_license(bought=BOUGHT, quantity=3), total, assigned=5, now=at("2026-04-01"))
    assert (change is None) == (total == 3)


def test_no_reduction_waits_for_a_renewal_that_does_not_come() -> None:
    license = a_license(bought=BOUGHT, quantity=3, auto_renew=False)
    assert changed(license, 2, "2026-03-08T09:29:59").license.quantity == 2
    with pytest.raises(AutoRenewOff):
        set_quantity(license, 2, assigned=0, now=at("2026-03-08T09:30:00"))
    assert changed(license, 4, "2026-04-01").license.quantity == 4


def test_only_an_active_license_has_a_quantity_to_change() -> None:
    with pytest.raises(TrialQuantityFixed):
        set_quantity(a_trial(started=BOUGHT), 2, assigned=0, now=BOUGHT)
    expired = expire(a_license(bought=BOUGHT, quantity=3), at=at("2027-03-01")).license
    with pytest.raises(LicenseNotActive):
        set_quantity(expired, 2, assigned=0, now=at("2027-03-02"))


def test_a_license_has_no_more_open_batches_than_its_events_can_carry() -> None:
    license = a_license(bought=BOUGHT, quantity=1)
    for total in range(2, MOST_OPEN + 1):
        license = changed(license, total, "2026-03-03T12:00:00").license
    assert len(encode(a_change_of(license))) < 200_000
    with pytest.raises(RaisedTooOften, match="2026-03-08T09:30:00Z"):
        changed(license, MOST_OPEN + 1, "2026-03-04")
    assert changed(license, MOST_OPEN - 1, "2026-03-04").license.quantity == MOST_OPEN - 1
    # What was bought can no longer be taken back, so there is room for one more.
    assert changed(license, MOST_OPEN + 1, "2026-03-08T09:30:00").license.quantity == MOST_OPEN + 1


def a_change_of(license: License) -> LicenseQuantityChanged:
    state = state_of(license, now=license.changed_at)
    fields, previous = changes(state_of(a_license(bought=BOUGHT), now=license.changed_at), state)
    # As the next change tells of it: all batches twice.
    return LicenseQuantityChanged(
        license=state,
        changed=fields,
        previous={**previous, "reducible": state.model_dump(mode="json")["reducible"]},
    )
