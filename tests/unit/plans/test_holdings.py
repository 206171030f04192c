"""What do a tenant's licenses allow together, whatever the order in which they are heard of?"""

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.holdings import ENDED, SIZES, Held, Holdings, LicensedSize
from tests.unit.plans.given import DEVICES, held, holding
from tests.unit.times import at

START = at("2026-03-01")
History = list[Held]


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    """The lives of some licenses: each a row of versions without a gap, of one size, not ended or ended once."""
    lives = []
    for name in range(draw(st.integers(1, 4))):
        size = draw(st.sampled_from([*SIZES, None]))
        life: History = []
        for version in range(1, draw(st.integers(1, 5)) + 1):
            status = draw(st.sampled_from(["active", "trial", "pending", "expired", "disabled", "deleted"]))
            before = life[-1].ended_at if life else None
            told_at = START + timedelta(minutes=draw(st.integers(0, 10**6)))
            ended_at = (before or told_at) if status in ENDED else None
            quantity = draw(st.integers(1, 20))
            life.append(
                held(size, quantity, status, license_name=str(name), ended_at=ended_at, version=version)
            )
        lives.append(life)
    return lives


def deliver(lives: list[History], chance: random.Random) -> History:
    """One order in which a broker may hand the lives over: each in its own order, some of it again."""
    waiting = [list(life) for life in lives]
    order: History = []
    while any(waiting):
        life = chance.choice([life for life in waiting if life])
        order.append(life.pop(0))
        if chance.random() < 0.3:
            order.append(chance.choice(order))
    return order


def heard(deliveries: History) -> Holdings:
    """The sum as the consumer makes it: the next version of a license counts, what is known already does not."""
    summed, known = Holdings(), dict[object, Held]()
    for license in deliveries:
        before = known.get(license.license_id)
        if license.version == (before.version if before else 0) + 1:
            summed, known[license.license_id] = summed.after(before, license), license
    return summed


@given(histories(), st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_any_order_among_licenses_and_any_repeat_gives_the_same_sum(
    lives: list[History], one: random.Random, other: random.Random
) -> None:
    assert heard(deliver(lives, one)) == heard(deliver(lives, other))


@given(histories(), st.randoms(use_true_random=False))
def test_the_running_sum_is_what_counting_the_last_states_gives(
    lives: list[History], chance: random.Random
) -> None:
    summed = heard(deliver(lives, chance))
    last = [life[-1] for life in lives if life[-1].site_size is not None]
    in_use = [license for license in last if license.status in {"active", "trial"}]
    counted = {size: sum(one.quantity for one in in_use if one.site_size == size) for size in SIZES}
    assert {size.site_size: size.quantity for size in summed.licensed_sites} == {
        size: quantity for size, quantity in counted.items() if quantity
    }
    assert summed.paid == sum(license.status == "active" for license in in_use)
    assert summed.trials == sum(license.status == "trial" for license in in_use)
    ends = [one.ended_at for life in lives for one in life if one.site_size and one.ended_at]
    assert summed.last_ended_at == max(ends, default=None)


@given(histories(), st.randoms(use_true_random=False))
def test_sizes_come_from_small_to_large_and_none_is_empty(
    lives: list[History], chance: random.Random
) -> None:
    sites = heard(deliver(lives, chance)).licensed_sites
    assert [size.site_size for size in sites] == [
        size for size in SIZES if size in {s.site_size for s in sites}
    ]
    assert all(size.quantity > 0 and size.max_devices == DEVICES[size.site_size] for size in sites)


@given(histories(), st.randoms(use_true_random=False))
def test_what_is_counted_in_can_be_counted_out(lives: list[History], chance: random.Random) -> None:
    summed = heard(deliver(lives, chance))
    for life in lives:
        summed = summed.plus(life[-1], -1)
    assert replace(summed, last_ended_at=None) == Holdings()


def test_licenses_of_one_size_add_up_and_those_of_another_stand_beside_them() -> None:
    three_l, one_xs, two_l = held("L", 3), held("XS", 1, license_name="2"), held("L", 2, license_name="3")
    assert holding(three_l, one_xs, two_l).licensed_sites == (
        LicensedSize("XS", 100, 1),
        LicensedSize("L", 1000, 5),
    )


def test_a_cancelled_license_takes_its_sites_away_and_leaves_the_others() -> None:
    three_l, two_l = held("L", 3), held("L", 2, license_name="other")
    cancelled = held("L", 3, "disabled", ended_at=START, version=2)
    left = holding(three_l, two_l).after(three_l, cancelled)
    assert left.licensed_sites == (LicensedSize("L", 1000, 2),)
    assert (left.paid, left.last_ended_at) == (1, START)
    assert holding(three_l).after(three_l, cancelled).licensed_sites == ()


@pytest.mark.parametrize(
    ("licenses", "price_plan"),
    [
        ([], None),
        ([held("L", status="trial")], "trial"),
        ([held("XS")], "microsoft_365"),
        ([held("L", status="trial"), held("XS", license_name="paid")], "microsoft_365"),
        ([held("L", status="pending")], None),
        ([held("L", status="expired", ended_at=START)], None),
        ([held(None, quantity=500)], None),  # devices of Enterprise IoT are no sites
        (
            [held("L", status="trial"), held("XS", status="disabled", ended_at=START, license_name="2")],
            "trial",
        ),
    ],
)
def test_a_tenant_reads_trial_until_it_has_a_paid_site_license(
    licenses: list[Held], price_plan: str | None
) -> None:
    assert holding(*licenses).price_plan == price_plan
    assert holding(*licenses).any_in_use is (price_plan is not None)


def test_a_trial_that_is_converted_is_paid_from_then_on() -> None:
    trial = held("L", status="trial")
    converted = holding(trial).after(trial, held("L", 4, version=2))
    assert (converted.paid, converted.trials, converted.price_plan) == (1, 0, "microsoft_365")
    assert converted.licensed_sites == (LicensedSize("L", 1000, 4),)


def test_the_last_end_is_the_latest_one_not_the_one_heard_last() -> None:
    late = held("L", status="disabled", ended_at=at("2026-05-01"))
    early = held("XS", status="expired", ended_at=at("2026-04-01"), license_name="early")
    assert holding(late, early).last_ended_at == holding(early, late).last_ended_at == at("2026-05-01")


def test_the_end_of_a_license_for_devices_is_no_end_of_the_service() -> None:
    assert holding(held(None, status="disabled", ended_at=START)).last_ended_at is None
