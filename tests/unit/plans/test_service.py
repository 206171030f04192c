"""Does the service run, and until when, once the last license has ended (B24)?"""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.holdings import Holdings
from services.plans.domain.service import Service, expected, next_change, service, turn
from tests.unit.plans.given import held, holding
from tests.unit.times import at

ENDED_AT = at("2026-03-03T10:00:00")
STOPS_AT = at("2026-04-02T10:00:00")  # 30 days later
PURGED_AT = at("2026-07-01T10:00:00")  # another 90
whiles = st.timedeltas(timedelta(0), timedelta(days=300))
ALL_ENDED = holding(held("L", status="disabled", ended_at=ENDED_AT, version=2))


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-03T10:00:00", Service("grace", STOPS_AT, None)),
        ("2026-04-02T09:59:59", Service("grace", STOPS_AT, None)),
        ("2026-04-02T09:59:59.999999", Service("grace", STOPS_AT, None)),
        ("2026-04-02T10:00:00", Service("stopped", STOPS_AT, PURGED_AT)),
        ("2026-07-01T09:59:59", Service("stopped", STOPS_AT, PURGED_AT)),
        ("2026-07-01T10:00:00", Service("purged", STOPS_AT, PURGED_AT)),
        ("2036-01-01T00:00:00", Service("purged", STOPS_AT, PURGED_AT)),
    ],
)
def test_the_service_goes_on_for_30_days_and_its_data_for_another_90(now: str, expected: Service) -> None:
    assert service(ALL_ENDED, now=at(now)) == expected


@pytest.mark.parametrize("status", ["active", "trial"])
def test_while_one_license_is_in_use_the_service_runs_however_many_have_ended(status: str) -> None:
    holdings = holding(
        held("L", status="disabled", ended_at=ENDED_AT), held("XS", status=status, license_name="left")
    )
    assert service(holdings, now=at("2027-01-01")) == Service("running", None, None)


def test_a_license_for_devices_keeps_no_service_running() -> None:
    holdings = ALL_ENDED.after(None, held(None, quantity=500, license_name="devices"))
    assert service(holdings, now=ENDED_AT).state == "grace"


def test_the_days_are_counted_from_the_last_license_to_end() -> None:
    earlier = held("XS", status="expired", ended_at=at("2026-02-01"), license_name="earlier")
    assert service(ALL_ENDED.after(None, earlier), now=ENDED_AT).stops_at == STOPS_AT


def test_a_tenant_that_never_had_a_license_has_no_service_to_stop() -> None:
    assert service(Holdings(), now=ENDED_AT) == Service("running", None, None)


@given(whiles, whiles)
def test_a_service_never_comes_back_by_itself(since: timedelta, more: timedelta) -> None:
    order = ["grace", "stopped", "purged"]
    now = ENDED_AT + since
    states = [service(ALL_ENDED, now=moment).state for moment in (now, now + more)]
    assert order.index(states[0]) <= order.index(states[1])


def test_time_stops_the_service_and_then_purges_its_data_and_no_more() -> None:
    assert next_change(ALL_ENDED, after=ENDED_AT) == STOPS_AT
    assert next_change(ALL_ENDED, after=STOPS_AT) == PURGED_AT
    assert next_change(ALL_ENDED, after=PURGED_AT) is None
    assert next_change(holding(held("L")), after=ENDED_AT) is None
    assert next_change(Holdings(), after=ENDED_AT) is None


def test_the_service_turns_at_the_moments_that_are_due_and_at_no_others() -> None:
    grace, stopped, purged = (service(ALL_ENDED, now=now) for now in (ENDED_AT, STOPS_AT, PURGED_AT))
    assert turn(ALL_ENDED, at=STOPS_AT) == (grace, stopped)
    assert turn(ALL_ENDED, at=PURGED_AT) == (stopped, purged)
    for moment in (STOPS_AT, PURGED_AT):
        assert turn(ALL_ENDED, at=moment - timedelta.resolution) is None
        assert turn(ALL_ENDED, at=moment + timedelta.resolution) is None
    assert turn(ALL_ENDED, at=ENDED_AT) is None
    assert turn(holding(held("L")), at=STOPS_AT) is None


def test_the_end_of_the_last_license_makes_the_stop_due() -> None:
    assert expected(holding(held("L")), ALL_ENDED, due_at=None, now=ENDED_AT) == STOPS_AT


def test_an_end_heard_of_after_the_stop_leaves_the_purge_to_do() -> None:
    assert expected(holding(held("L")), ALL_ENDED, due_at=None, now=STOPS_AT) == PURGED_AT
    assert expected(holding(held("L")), ALL_ENDED, due_at=None, now=PURGED_AT) == PURGED_AT


@pytest.mark.parametrize("now", [STOPS_AT, PURGED_AT, PURGED_AT + timedelta(days=1)])
def test_news_of_licenses_that_have_ended_lets_nothing_pass_that_is_still_to_do(now: datetime) -> None:
    later = ALL_ENDED.after(None, held("XS", status="deleted", ended_at=ENDED_AT, license_name="old"))
    assert expected(ALL_ENDED, later, due_at=PURGED_AT, now=now) == PURGED_AT
    assert expected(ALL_ENDED, later, due_at=None, now=now) is None


def test_a_license_in_use_takes_back_what_is_due() -> None:
    bought = ALL_ENDED.after(None, held("XS", license_name="new"))
    assert expected(ALL_ENDED, bought, due_at=PURGED_AT, now=STOPS_AT) is None
