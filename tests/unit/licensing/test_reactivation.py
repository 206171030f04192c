"""What does it take to take up an expired license again, and what does one get?"""

from uuid import UUID

import pytest

from services.licensing.domain.cancellation import cancel
from services.licensing.domain.errors import LicenseNotExpired, TrialAlreadyUsed
from services.licensing.domain.license import Batch, License
from services.licensing.domain.quantity import set_quantity
from services.licensing.domain.reactivation import reactivate
from tests.unit.licensing.given import a_license, a_product, a_trial, made, passed
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")
NEW_ID = UUID(int=7)


def expired(license: License) -> License:
    return passed(license, license.term_end)[-1].license


def test_it_is_a_new_license_with_the_old_quantity_at_todays_price() -> None:
    license = a_license(bought=BOUGHT, quantity=2, auto_renew=False)
    grown = made(set_quantity(license, 3, assigned=0, now=at("2026-09-01")))
    now = at("2027-03-30T23:59:59")
    old, new = reactivate(expired(grown), a_product(annual=180_000), license_id=NEW_ID, now=now)
    assert (old.happened, old.license.status, old.license.grace_ends_at) == ("deleted", "deleted", None)
    taken_up = new.license
    assert (new.happened, taken_up.id, taken_up.version) == ("reactivated", NEW_ID, 1)
    assert (taken_up.purchased_at, taken_up.term_start, taken_up.term_end) == (now, now, at("2028-03-30"))
    assert taken_up.batches == (Batch(3, now, 540_000),)
    assert [line.amount for line in new.lines] == [540_000]  # 3 x 1,800.00
    assert taken_up.auto_renew
    assert not old.lines


def test_it_is_billed_as_the_old_one_was() -> None:
    license = expired(a_license(bought=BOUGHT, billing_frequency="monthly", auto_renew=False))
    _, new = reactivate(license, a_product(), license_id=NEW_ID, now=at("2027-03-31T12:00:00"))
    assert [line.amount for line in new.lines] == [15_313]
    assert new.license.next_charge_at == at("2027-04-30")  # a month after the 31st is the month's last day


def test_from_the_end_of_the_grace_on_it_is_too_late() -> None:
    license = a_license(bought=BOUGHT, auto_renew=False)
    disabled = passed(license, at("2027-03-31"))[-1].license
    with pytest.raises(LicenseNotExpired):
        reactivate(disabled, a_product(), license_id=NEW_ID, now=at("2027-03-31"))


def test_what_runs_or_was_cancelled_is_not_taken_up_again() -> None:
    running = a_license(bought=BOUGHT)
    for license in (running, cancel(running, now=BOUGHT).license, a_trial(started=BOUGHT)):
        with pytest.raises(LicenseNotExpired):
            reactivate(license, a_product(), license_id=NEW_ID, now=BOUGHT)


def test_a_trial_is_had_once() -> None:
    with pytest.raises(TrialAlreadyUsed):
        reactivate(expired(a_trial(started=BOUGHT)), a_product(), license_id=NEW_ID, now=at("2026-05-01"))
