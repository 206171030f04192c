"""Until when can a license be cancelled, and what becomes of it?"""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.domain.cancellation import cancel, refusal
from services.licensing.domain.errors import CancellationWindowClosed, LicenseNotActive
from services.licensing.domain.license import Batch
from tests.unit.licensing.given import LICENSE_ID, a_license, with_batch
from tests.unit.licensing.test_term import starts
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")


@pytest.mark.parametrize(
    "now", ["2026-03-01T09:30:00", "2026-03-04T12:00:00", "2026-03-08T09:29:59", "2026-03-08T09:29:59.999999"]
)
def test_a_license_can_be_cancelled_until_the_window_closes(now: str) -> None:
    license = a_license(bought=BOUGHT)
    assert refusal(license, now=at(now)) is None
    assert cancel(license, now=at(now)).license.status == "disabled"


@pytest.mark.parametrize("now", ["2026-03-08T09:30:00", "2026-03-08T09:30:01", "2027-03-01T00:00:00"])
def test_the_168th_hour_itself_is_too_late(now: str) -> None:
    license = a_license(bought=BOUGHT)
    with pytest.raises(CancellationWindowClosed) as refused:
        cancel(license, now=at(now))
    assert refused.value.closed_at == at("2026-03-08T09:30:00")


def test_a_closed_window_says_when_it_closed_and_what_can_be_done_instead() -> None:
    with pytest.raises(CancellationWindowClosed) as refused:
        cancel(a_license(bought=BOUGHT), now=at("2026-04-01"))
    assert str(refused.value) == (
        f"License {LICENSE_ID} could be cancelled until 2026-03-08T09:30:00Z. "
        "Turn auto-renew off instead: it then ends on 2027-03-01."
    )


def test_a_license_is_cancelled_once() -> None:
    once = cancel(a_license(bought=BOUGHT), now=at("2026-03-02")).license
    with pytest.raises(LicenseNotActive) as refused:
        cancel(once, now=at("2026-03-02"))
    assert refused.value.status == "disabled"
    assert refused.value.code == "LicenseNotActive"


def test_that_it_has_ended_counts_before_that_the_window_is_over() -> None:
    ended = cancel(a_license(bought=BOUGHT), now=at("2026-03-02")).license
    assert isinstance(refusal(ended, now=at("2026-06-01")), LicenseNotActive)


def test_a_cancelled_license_is_disabled_for_90_days_without_a_grace() -> None:
    cancelled = cancel(a_license(bought=BOUGHT), now=at("2026-03-03T10:00:00")).license
    assert cancelled.status == "disabled"
    assert cancelled.disabled_ends_at == at("2026-06-01T10:00:00")
    assert not cancelled.auto_renew
    assert cancelled.version == 2


def test_a_cancel_leaves_the_order_the_term_and_the_price_as_they_were() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    cancelled = cancel(license, now=at("2026-03-02")).license
    for name in (
        "id",
        "term_start",
        "term_end",
        "cancellable_until",
        "unit_price",
        "batches",
        "order_number",
    ):
        assert getattr(cancelled, name) == getattr(license, name), name
    assert license.status == "active"


def test_each_batch_can_be_taken_back_in_its_own_168_hours() -> None:
    later = Batch(2, at("2026-03-05T09:30:00"), charged=1)
    license = with_batch(a_license(bought=BOUGHT, quantity=3), later)
    first = license.batches[0]
    assert license.open_batches(at("2026-03-08T09:29:59")) == (first, later)
    assert license.open_batches(at("2026-03-08T09:30:00")) == (later,)
    assert license.open_batches(at("2026-03-12T09:29:59")) == (later,)
    assert license.open_batches(at("2026-03-12T09:30:00")) == ()


def test_nothing_can_be_taken_back_of_a_cancelled_license() -> None:
    cancelled = cancel(a_license(bought=BOUGHT), now=at("2026-03-02")).license
    assert cancelled.open_batches(at("2026-03-02")) == ()


@given(starts, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_what_is_refused_is_what_raises_and_nothing_else(start: datetime, later: timedelta) -> None:
    license = a_license(bought=start)
    now = start + later
    if refusal(license, now=now) is None:
        assert later < timedelta(hours=168)
        assert cancel(license, now=now).license.version == 2
    else:
        assert later >= timedelta(hours=168)
        with pytest.raises(CancellationWindowClosed):
            cancel(license, now=now)
