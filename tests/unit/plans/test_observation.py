"""What of a sensor's report is ignored, and which reason is given?"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import pytest

from services.plans.domain.device import Kind
from services.plans.domain.observation import sightings
from tests.unit.times import at

NOW: Final = at("2026-03-01T09:30:00")


@dataclass(frozen=True, slots=True)
class Observed:
    ip: str | None = "10.20.0.7"
    mac: str | None = "00:1b:1b:0a:33:f1"
    kind: Kind = "ot"
    last_seen: datetime = NOW
    device_key: str | None = None
    managed: bool = False


EVERYTHING_WRONG: Final = Observed(
    ip="255.255.255.255", mac="ff:ff:ff:ff:ff:ff", last_seen=NOW + timedelta(days=1), managed=True
)


@pytest.mark.parametrize(
    ("observed", "reason"),
    [
        (EVERYTHING_WRONG, "managed"),
        (replace(EVERYTHING_WRONG, managed=False), "broadcast"),
        (replace(EVERYTHING_WRONG, managed=False, ip="8.8.8.8", mac="01:00:5e:00:00:01"), "multicast"),
        (replace(EVERYTHING_WRONG, managed=False, ip="8.8.8.8", mac=None), "public"),
        (Observed(last_seen=NOW + timedelta(minutes=5, microseconds=1)), "in_future"),
        (Observed(ip="8.8.8.8", device_key="router"), "public"),
        (Observed(ip="8.8.8.8", mac=None, kind="network"), "public"),
    ],
)
def test_the_first_reason_that_fits_is_given_with_the_place_of_the_row(
    observed: Observed, reason: str
) -> None:
    kept, ignored = sightings([Observed(), observed], now=NOW)
    assert (len(kept), ignored) == (1, [(1, reason)])


@pytest.mark.parametrize(
    "observed",
    [
        Observed(),
        Observed(mac=None),
        Observed(ip=None),
        Observed(last_seen=NOW + timedelta(minutes=5)),
        Observed(ip="fe80::1", device_key="switch 1", kind="network"),
    ],
)
def test_everything_else_is_seen_of_a_device(observed: Observed) -> None:
    kept, ignored = sightings([observed], now=NOW)
    assert (len(kept), ignored) == (1, [])
    assert kept[0].device_key == observed.device_key
    assert kept[0].seen.last_seen == observed.last_seen


def test_what_was_seen_by_a_clock_that_was_never_set_is_idle() -> None:
    kept, ignored = sightings([Observed(last_seen=at("0001-01-01T00:00:00"))], now=NOW)
    assert (len(kept), ignored) == (1, [])
    assert kept[0].seen.last_seen == at("1970-01-01T00:00:00")
    assert kept[0].seen.counted_until < NOW
