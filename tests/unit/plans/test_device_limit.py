"""When are there too many devices, and what is said of it (B4, B52)?"""

from typing import Final
from uuid import UUID

import pytest

from services.plans.domain.device_limit import Commitment, SiteLimit
from tests.unit.plans.given import DEVICES, SUBSCRIPTION_ID

SITE_ID: Final = UUID("0199a000-0000-7000-8000-000000000001")


def a_site(size: str | None, devices: int) -> SiteLimit:
    return SiteLimit(SITE_ID, SUBSCRIPTION_ID, "Press 1", size, DEVICES[size] if size else None, devices)


@pytest.mark.parametrize(("size", "most"), DEVICES.items())
def test_a_site_is_over_size_only_above_the_devices_of_its_size(size: str, most: int) -> None:
    assert (a_site(size, most).above, a_site(size, most).notice) == (0, None)
    over = a_site(size, most + 1)
    assert over.above == 1
    assert over.notice is not None
    assert (over.notice.code, over.notice.severity) == ("SiteOverSize", "warning")
    assert over.notice.resource == f"site/{SUBSCRIPTION_ID}/Press 1"
    assert over.notice.link == f"/v1/subscriptions/{SUBSCRIPTION_ID}/sites/Press%201"
    assert f"{most:,}" in over.notice.text


def test_only_the_largest_size_is_sent_to_sales() -> None:
    told = {size: a_site(size, most + 1).notice for size, most in DEVICES.items()}
    assert {size for size, notice in told.items() if notice and "2XL and 3XL" in notice.text} == {"XL"}


def test_a_site_without_a_size_has_no_limit() -> None:
    assert a_site(None, 1_000_000).notice is None


def test_as_many_devices_as_committed_is_no_warning() -> None:
    assert Commitment(SUBSCRIPTION_ID, 1_000, 1_000).notice is None
    over = Commitment(SUBSCRIPTION_ID, 1_000, 1_001)
    assert over.above == 1
    assert over.notice is not None
    assert over.notice.code == "CommittedDevicesExceeded"
    assert over.notice.resource == f"plan/{SUBSCRIPTION_ID}"
    assert over.notice.link == f"/v1/subscriptions/{SUBSCRIPTION_ID}/plan"


def test_a_plan_that_commits_to_nothing_has_no_limit() -> None:
    assert Commitment(SUBSCRIPTION_ID, None, 1_000_000).notice is None
