"""How long does a trial last, when can it be extended, and what becomes of it?"""

import pytest

from services.licensing.domain.cancellation import cancel
from services.licensing.domain.errors import LicenseNotActive, NotATrial, TrialExtensionNotAllowed
from services.licensing.domain.license import Batch, License, Scheduled
from services.licensing.domain.trial import convert_at_end, convert_now, extend_trial
from tests.unit.licensing.given import a_license, a_product, a_small_product, a_trial, made, passed
from tests.unit.times import at

STARTED = at("2026-03-01T09:30:00")
END = at("2026-04-30")
TERMS = Scheduled("OT_SITE_L", 2, "annual")


def extended(license: License) -> License:
    return extend_trial(license, now=at("2026-04-20")).license


def test_a_trial_lasts_until_midnight_utc_60_days_later_and_is_worth_nothing() -> None:
    trial = a_trial(started=STARTED)
    assert (trial.status, trial.quantity, trial.auto_renew) == ("trial", 1, False)
    assert (trial.term_start, trial.term_end, trial.days) == (STARTED, END, 60)
    assert (trial.billing_frequency, trial.unit_price, trial.cancellable_until) == (None, None, None)
    assert a_trial(started=at("2028-02-28T23:59:59")).term_end == at("2028-04-28")  # over 29 February


@pytest.mark.parametrize("now", ["2026-04-15T00:00:00", "2026-04-22T12:00:00", "2026-04-29T23:59:59.999999"])
def test_it_can_be_extended_in_its_last_15_days(now: str) -> None:
    change = extend_trial(a_trial(started=STARTED), now=at(now))
    assert (change.happened, change.lines) == ("trial_extended", ())
    assert (change.license.term_end, change.license.trial_extended) == (at("2026-05-30"), True)


@pytest.mark.parametrize("now", ["2026-03-01T09:30:00", "2026-04-14T23:59:59.999999"])
def test_not_before(now: str) -> None:
    with pytest.raises(TrialExtensionNotAllowed, match="2026-04-15T00:00:00Z"):
        extend_trial(a_trial(started=STARTED), now=at(now))


def test_and_once_only() -> None:
    with pytest.raises(TrialExtensionNotAllowed, match="once"):
        extend_trial(extended(a_trial(started=STARTED)), now=at("2026-05-20"))


def test_nor_once_it_has_ended() -> None:
    *_, expired = passed(a_trial(started=STARTED), END)
    with pytest.raises(LicenseNotActive):
        extend_trial(expired.license, now=END)


def test_left_alone_it_is_announced_and_expires_and_an_extension_is_announced_anew() -> None:
    life = passed(a_trial(started=STARTED), at("2026-04-20"))
    assert [(change.happened, change.at) for change in life] == [("expiring", at("2026-03-31"))]
    rest = passed(extended(life[-1].license), at("2027-01-01"))
    assert [(change.happened, change.at) for change in rest] == [
        ("expiring", at("2026-04-30")),
        ("expired", at("2026-05-30")),
        ("disabled", at("2026-06-29")),
        ("deleted", at("2026-09-27")),
    ]


@pytest.mark.parametrize(("frequency", "cents"), [("annual", 350_000), ("monthly", 30_626)])
def test_converted_now_it_is_the_paid_license_from_today_on(frequency: str, cents: int) -> None:
    terms = Scheduled("OT_SITE_L", 2, "annual" if frequency == "annual" else "monthly")
    now = at("2026-03-20T15:00:00")
    change = convert_now(a_trial(started=STARTED), a_product(), terms, now=now)
    paid = change.license
    assert change.happened == "trial_converted"
    assert (paid.status, paid.is_trial, paid.auto_renew) == ("active", False, True)
    assert (paid.term_start, paid.term_end) == (now, at("2027-03-20"))
    assert paid.batches == (Batch(2, now, cents),)
    assert [line.amount for line in change.lines] == [cents]
    assert paid.cancellable_until == at("2026-03-27T15:00:00")
    assert paid.purchased_at == STARTED


def test_converted_at_its_end_it_goes_on_as_the_paid_license_at_that_days_price() -> None:
    trial = made(convert_at_end(a_trial(started=STARTED), TERMS, now=at("2026-03-20")))
    assert (trial.status, trial.scheduled, trial.version) == ("trial", TERMS, 2)
    (conversion,) = passed(trial, END, a_product(annual=180_000))
    paid = conversion.license
    assert (conversion.happened, conversion.at) == ("trial_converted", END)
    assert (paid.sku, paid.term_start, paid.term_end) == ("OT_SITE_L", END, at("2027-04-30"))
    assert [line.amount for line in conversion.lines] == [360_000]


def test_an_extension_moves_a_conversion_at_the_end() -> None:
    trial = extended(made(convert_at_end(a_trial(started=STARTED), TERMS, now=at("2026-03-20"))))
    assert [change.at for change in passed(trial, at("2026-06-01"))] == [at("2026-05-30")]


def test_scheduled_to_become_what_is_no_longer_sold_it_expires() -> None:
    trial = made(convert_at_end(a_trial(started=STARTED), TERMS, now=STARTED))
    assert [change.happened for change in passed(trial, END, a_small_product())] == ["expired"]


def test_the_same_conversion_again_is_no_change_and_another_takes_its_place() -> None:
    trial = made(convert_at_end(a_trial(started=STARTED), TERMS, now=STARTED))
    assert convert_at_end(trial, TERMS, now=STARTED) is None
    other = made(convert_at_end(trial, Scheduled("OT_SITE_S", 1, "monthly"), now=STARTED))
    assert other.scheduled == Scheduled("OT_SITE_S", 1, "monthly")


def test_it_can_be_cancelled_to_its_end_and_gives_nothing_back() -> None:
    done = cancel(a_trial(started=STARTED), now=at("2026-04-29T23:59:59"))
    assert (done.license.status, done.lines) == ("disabled", ())


def test_a_paid_license_is_no_trial() -> None:
    paid = a_license(bought=STARTED)
    with pytest.raises(NotATrial):
        extend_trial(paid, now=STARTED)
    with pytest.raises(NotATrial):
        convert_now(paid, a_product(), TERMS, now=STARTED)
    with pytest.raises(NotATrial):
        convert_at_end(paid, TERMS, now=STARTED)
