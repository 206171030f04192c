"""What does the end of a term make of a license, and what does time make of it after that?"""

import pytest

from services.licensing.domain.cancellation import cancel, refusal
from services.licensing.domain.errors import AutoRenewOff, LicenseInUse, LicenseNotActive
from services.licensing.domain.license import Batch, Scheduled
from services.licensing.domain.quantity import set_quantity
from services.licensing.domain.renewal import schedule, set_auto_renew
from tests.unit.licensing.given import a_license, a_product, a_small_product, made, passed
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")
END = at("2027-03-01")
DEARER = a_product(annual=180_000, monthly=15_750)


def test_a_license_is_renewed_where_its_term_ended_at_the_price_of_that_day() -> None:
    (renewal,) = passed(a_license(bought=BOUGHT, quantity=3), END, DEARER)
    renewed = renewal.license
    assert (renewal.happened, renewal.at, renewed.version) == ("renewed", END, 2)
    assert (renewed.term_start, renewed.term_end, renewed.days) == (END, at("2028-03-01"), 366)
    assert (renewed.unit_price, renewed.batches) == (180_000, (Batch(3, END, 540_000),))
    (line,) = renewal.lines
    assert (line.amount, line.in_effect, line.in_period) == (540_000, 366, 366)
    assert (renewed.purchased_at, renewed.order_number) == (BOUGHT, "20260301-00000000ABCD")


def test_not_a_second_before() -> None:
    assert passed(a_license(bought=BOUGHT), at("2027-02-28T23:59:59.999999")) == []


def test_a_renewal_opens_a_window_anew() -> None:
    (renewal,) = passed(a_license(bought=BOUGHT), END)
    assert refusal(renewal.license, now=at("2027-03-07T23:59:59")) is None
    assert refusal(renewal.license, now=at("2027-03-08")) is not None
    refunds = cancel(renewal.license, now=at("2027-03-03T10:00:00")).lines
    assert [line.amount for line in refunds] == [-173_566]  # day 3 of 366: 1,750.00 x 363/366 = 1,735.6557


def test_what_was_added_in_the_term_is_one_batch_of_the_next() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    grown = made(set_quantity(license, 5, assigned=0, now=at("2026-06-15")))
    (renewal,) = passed(grown, END)
    assert renewal.license.batches == (Batch(5, END, 875_000),)


def test_a_scheduled_change_comes_true_at_the_renewal() -> None:
    planned = made(
        schedule(
            a_license(bought=BOUGHT, quantity=3),
            Scheduled("OT_SITE_S", 4, "monthly"),
            assigned=3,
            now=at("2026-09-01"),
        )
    )
    assert (planned.sku, planned.quantity, planned.version) == ("OT_SITE_L", 3, 2)
    renewal, *_ = passed(planned, END, DEARER, a_small_product())
    renewed = renewal.license
    assert (renewed.sku, renewed.site_size, renewed.max_devices) == ("OT_SITE_S", "S", 250)
    assert (renewed.billing_frequency, renewed.unit_price, renewed.scheduled) == ("monthly", 6_563, None)
    assert [line.amount for line in renewal.lines] == [26_252]  # its first month: 4 x 65.63
    assert renewed.next_charge_at == at("2027-04-01")


def test_a_scheduled_quantity_is_charged_at_the_new_price() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    waiting = made(set_quantity(license, 2, assigned=2, now=at("2026-09-01")))
    (renewal,) = passed(waiting, END, DEARER)
    assert [line.amount for line in renewal.lines] == [360_000]
    assert renewal.license.quantity == 2


def test_a_product_that_is_no_longer_sold_is_not_renewed() -> None:
    life = passed(a_license(bought=BOUGHT), END, a_small_product())
    assert [(change.happened, change.license.status) for change in life] == [("expired", "expired")]
    planned = made(
        schedule(a_license(bought=BOUGHT), Scheduled("OT_SITE_S", 1, "annual"), assigned=0, now=BOUGHT)
    )
    assert [change.happened for change in passed(planned, END)] == ["expired"]


def test_not_renewed_it_is_announced_expires_is_disabled_and_deleted() -> None:
    life = passed(a_license(bought=BOUGHT, auto_renew=False), at("2030-01-01"))
    assert [(change.happened, change.at, change.license.version) for change in life] == [
        ("expiring", at("2027-01-30"), 2),
        ("expired", END, 3),
        ("disabled", at("2027-03-31"), 4),
        ("deleted", at("2027-06-29"), 5),
    ]
    assert not any(change.lines for change in life)
    assert [change.license.grace_ends_at for change in life] == [None, at("2027-03-31"), None, None]
    assert [change.license.disabled_ends_at for change in life] == [None, None, at("2027-06-29"), None]


def test_turned_off_in_its_last_30_days_it_is_announced_at_once_and_once_only() -> None:
    off = made(set_auto_renew(a_license(bought=BOUGHT), False, now=at("2027-02-10T08:00:00")))
    assert off.next_due_at == at("2027-02-10T08:00:00")
    told = passed(off, at("2027-02-10T08:00:00"))[-1].license
    assert told.version == 3
    on = made(set_auto_renew(told, True, now=at("2027-02-11")))
    off = made(set_auto_renew(on, False, now=at("2027-02-12")))
    assert [change.happened for change in passed(off, END)] == ["expired"]


def test_turned_on_again_in_time_it_is_renewed_and_announced_anew_in_the_next_term() -> None:
    license = a_license(bought=BOUGHT, auto_renew=False)
    told = passed(license, at("2027-02-01"))[-1].license
    (renewal,) = passed(made(set_auto_renew(told, True, now=at("2027-02-02"))), END)
    off = made(set_auto_renew(renewal.license, False, now=at("2027-03-02")))
    life = passed(off, at("2028-03-01"))
    assert [(change.happened, change.at) for change in life] == [
        ("expiring", at("2028-01-31")),
        ("expired", at("2028-03-01")),
    ]


def test_auto_renew_off_drops_what_was_scheduled() -> None:
    planned = made(
        schedule(a_license(bought=BOUGHT), Scheduled("OT_SITE_L", 2, "annual"), assigned=0, now=BOUGHT)
    )
    off = made(set_auto_renew(planned, False, now=BOUGHT))
    assert off.scheduled is None
    assert set_auto_renew(off, False, now=BOUGHT) is None
    assert made(set_auto_renew(off, True, now=BOUGHT)).scheduled is None


def test_asking_for_what_it_has_takes_a_scheduled_change_back() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    as_now = Scheduled("OT_SITE_L", 3, "annual")
    assert schedule(license, as_now, assigned=0, now=BOUGHT) is None
    planned = made(schedule(license, Scheduled("OT_SITE_L", 2, "annual"), assigned=0, now=BOUGHT))
    assert schedule(planned, Scheduled("OT_SITE_L", 2, "annual"), assigned=0, now=BOUGHT) is None
    back = schedule(planned, as_now, assigned=0, now=BOUGHT)
    assert back is not None
    assert (back.happened, back.license.scheduled) == ("change_scheduled", None)


def test_no_renewal_of_the_same_size_is_for_fewer_than_the_sites() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    with pytest.raises(LicenseInUse):
        schedule(license, Scheduled("OT_SITE_L", 1, "annual"), assigned=2, now=BOUGHT)
    assert schedule(license, Scheduled("OT_SITE_L", 2, "annual"), assigned=2, now=BOUGHT) is not None
    assert schedule(license, Scheduled("OT_SITE_L", 3, "monthly"), assigned=4, now=BOUGHT) is not None


def test_nothing_waits_for_a_renewal_that_does_not_come() -> None:
    with pytest.raises(AutoRenewOff):
        schedule(
            a_license(bought=BOUGHT, auto_renew=False),
            Scheduled("OT_SITE_L", 2, "annual"),
            assigned=0,
            now=BOUGHT,
        )


def test_auto_renew_is_switched_while_the_license_is_active_alone() -> None:
    ended = cancel(a_license(bought=BOUGHT), now=at("2026-03-02")).license
    for on in (True, False):
        with pytest.raises(LicenseNotActive):
            set_auto_renew(ended, on, now=at("2026-03-03"))


def test_over_a_leap_day_and_from_one_each_term_is_whole() -> None:
    license = a_license(bought=at("2027-02-28T12:00:00"))
    first, second = passed(license, at("2029-02-28"))
    assert (first.license.term_end, first.license.days) == (at("2029-02-28"), 366)
    assert (second.license.term_end, second.license.days) == (at("2030-02-28"), 365)
    leap = passed(a_license(bought=at("2028-02-29T12:00:00")), at("2029-02-28"))
    assert [change.license.term_end for change in leap] == [at("2030-02-28")]
