"""Which license covers which site, and which sites are without one?"""

import random
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.allocation import Allotted, Claim, allocate, room_of, takes_from_another
from services.plans.domain.holdings import Held
from services.plans.domain.site import Coverage
from tests.unit.plans.given import held
from tests.unit.times import at

START: Final = at("2026-03-01")
NOW: Final = at("2026-06-01")
DAY: Final = timedelta(days=1)


def a_license(
    name: str, quantity: int = 1, status: str = "active", *, bought: int = 0, ended: datetime | None = None
) -> Held:
    """Bought so many days after the start."""
    one = held("L", quantity, status, license_name=name, ended_at=ended)
    return replace(one, purchased_at=START + bought * DAY)


def claims(*since: datetime) -> list[Claim]:
    """Of sites from the oldest on, each with its size since then."""
    return [Claim(UUID(int=place), moment) for place, moment in enumerate(since)]


def covered(sites: list[Claim], *licenses: Held, now: datetime = NOW) -> list[tuple[Coverage, UUID | None]]:
    any_in_use = any(license.in_use for license in licenses)
    found = allocate(sites, licenses, any_in_use=any_in_use, at=now)
    return [(found[site.site_id].coverage, found[site.site_id].license_id) for site in sites]


def test_the_oldest_site_takes_the_oldest_license_and_the_youngest_goes_without() -> None:
    old, new = a_license("old", bought=1), a_license("new", bought=2)
    assert covered(claims(NOW, NOW, NOW), new, old) == [
        ("licensed", old.license_id),
        ("licensed", new.license_id),
        ("unlicensed", None),
    ]


def test_a_license_covers_as_many_sites_as_it_counts() -> None:
    many, one = a_license("many", 2, bought=1), a_license("one", bought=2)
    assert [license for _, license in covered(claims(NOW, NOW, NOW), one, many)] == [
        many.license_id,
        many.license_id,
        one.license_id,
    ]


def test_the_sites_of_an_expired_license_are_in_grace_beside_those_of_an_active_one() -> None:
    ended = a_license("ended", status="expired", bought=1, ended=NOW - 3 * DAY)
    active = a_license("active", bought=2)
    assert covered(claims(START, START), ended, active) == [
        ("grace", ended.license_id),
        ("licensed", active.license_id),
    ]


def test_an_expired_license_takes_no_site_that_got_its_size_after_its_end() -> None:
    ended = a_license("ended", status="expired", ended=NOW - DAY)
    moments = (NOW - DAY, NOW - DAY + timedelta(microseconds=1))
    assert [coverage for coverage, _ in covered(claims(*moments), replace(ended, quantity=2))] == [
        "grace",
        "unlicensed",
    ]


@pytest.mark.parametrize(
    ("status", "any_in_use", "days_ago", "room"),
    [
        ("active", True, None, "licensed"),
        ("trial", True, None, "licensed"),
        ("expired", True, 3, "grace"),
        ("expired", False, 3, "grace"),
        # A cancelled one counts as expired only while nothing is in use, and for its 30 days.
        ("disabled", True, 0, None),
        ("disabled", False, 0, "grace"),
        ("disabled", False, 29, "grace"),
        ("disabled", False, 30, None),
        ("deleted", False, 3, None),
        ("pending", False, None, None),
    ],
)
def test_what_covers_sites_and_as_what(
    status: str,
    any_in_use: bool,  # noqa: FBT001 - of the parametrization
    days_ago: int | None,
    room: str | None,
) -> None:
    ended = None if days_ago is None else NOW - days_ago * DAY
    assert room_of(a_license("one", status=status, ended=ended), any_in_use=any_in_use, at=NOW) == room


@pytest.mark.parametrize(
    ("before", "after", "less"),
    [
        ("licensed", "grace", True),
        ("licensed", "unlicensed", True),
        ("grace", "unlicensed", True),
        ("grace", "licensed", False),
        ("unlicensed", "licensed", False),
        ("licensed", "licensed", False),
        ("unlicensed", "unlicensed", False),
    ],
)
def test_when_a_site_has_less_than_it_had(before: Coverage, after: Coverage, less: bool) -> None:  # noqa: FBT001 - of the parametrization
    assert takes_from_another(before, after) is less


statuses = st.sampled_from(["active", "active", "trial", "expired", "disabled", "deleted", "pending"])


@st.composite
def tenants(draw: st.DrawFn) -> tuple[list[Claim], list[Held]]:
    """Some sites of one size, oldest first, and licenses of that size in whatever state."""
    since = draw(st.lists(st.integers(0, 90), max_size=12))
    licenses = []
    for name in range(draw(st.integers(0, 5))):
        status = draw(statuses)
        ended = None if status in {"active", "trial", "pending"} else START + draw(st.integers(0, 92)) * DAY
        quantity, bought = draw(st.integers(1, 4)), draw(st.integers(0, 5))
        licenses.append(a_license(str(name), quantity, status, bought=bought, ended=ended))
    return claims(*(START + days * DAY for days in since)), licenses


def _allocate(sites: list[Claim], licenses: list[Held]) -> dict[UUID, Allotted]:
    return allocate(sites, licenses, any_in_use=any(one.in_use for one in licenses), at=NOW)


@given(tenants(), st.randoms(use_true_random=False))
def test_the_order_in_which_licenses_are_heard_of_makes_no_difference(
    tenant: tuple[list[Claim], list[Held]], chance: random.Random
) -> None:
    sites, licenses = tenant
    shuffled = list(licenses)
    chance.shuffle(shuffled)
    assert _allocate(sites, licenses) == _allocate(sites, shuffled)


@given(tenants())
def test_no_license_covers_more_sites_than_it_counts_nor_any_that_came_after_its_end(
    tenant: tuple[list[Claim], list[Held]],
) -> None:
    sites, licenses = tenant
    by_id = {license.license_id: license for license in licenses}
    found = _allocate(sites, licenses)
    for license_id, number in Counter(
        one.license_id for one in found.values() if one.license_id is not None
    ).items():
        assert number <= by_id[license_id].quantity
    for site in sites:
        allotted = found[site.site_id]
        license = None if allotted.license_id is None else by_id[allotted.license_id]
        if license is not None and not license.in_use:
            assert allotted.coverage == "grace"
            assert license.ended_at is not None
            assert site.since <= license.ended_at


@given(tenants())
def test_a_younger_site_changes_nothing_for_the_older_ones(tenant: tuple[list[Claim], list[Held]]) -> None:
    """So that to allocate anew gives what giving each new site the next place gave."""
    sites, licenses = tenant
    whole = _allocate(sites, licenses)
    for number in range(len(sites)):
        part = _allocate(sites[:number], licenses)
        assert part == {site.site_id: whole[site.site_id] for site in sites[:number]}


@given(tenants())
def test_of_licenses_in_use_as_many_sites_are_covered_as_there_are_licenses_and_the_youngest_are_not(
    tenant: tuple[list[Claim], list[Held]],
) -> None:
    sites, licenses = tenant
    in_use = [license for license in licenses if license.in_use]
    found = allocate(sites, in_use, any_in_use=True, at=NOW)
    number = min(len(sites), sum(license.quantity for license in in_use))
    assert [found[site.site_id].coverage for site in sites] == ["licensed"] * number + ["unlicensed"] * (
        len(sites) - number
    )
