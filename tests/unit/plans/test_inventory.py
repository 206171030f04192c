"""Do the sensors of a zone come to one count, whatever the order in which they report (B40–B48)?"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.plans.domain.device import Kind, Sighting, address, seen
from services.plans.domain.inventory import Observed, Row, observe
from tests.unit.times import at

START: Final = at("2026-03-01T00:00:00")
DAY: Final = timedelta(days=1)
KINDS: Final[tuple[Kind, ...]] = ("ot", "enterprise_iot", "it", "network")


class Zone:
    """What is stored of a zone, as the store keeps it."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.claims: dict[str, set[str]] = {}
        self.counted = 0

    def report(self, *sightings: Sighting, now: datetime = START) -> Observed:
        observed = observe(sightings, self.rows, self.claims, now=now)
        self.rows |= observed.rows
        for claimed, identity in observed.claims:
            self.claims.setdefault(claimed, set()).add(identity)
        self.counted += observed.counted
        return observed

    def sweep(self, now: datetime) -> None:
        for identity, row in self._idle(now):
            self.rows[identity] = Row(row.seen, counted=False)
            self.counted -= 1

    def count(self, now: datetime = START) -> int:
        return self.counted - len(self._idle(now))

    def _idle(self, now: datetime) -> list[tuple[str, Row]]:
        return [
            (identity, row)
            for identity, row in self.rows.items()
            if row.counted and row.seen.counted_until < now
        ]


def sighting(last: int = 7, key: str | None = None, *, kind: Kind = "ot", when: datetime = START) -> Sighting:
    """Of 10.20.0.`last` with a MAC of its own."""
    return Sighting(address(f"10.20.0.{last}", f"00:1b:1b:0a:33:{last:02x}"), key, seen(kind, when))


def counted_from_scratch(sightings: Iterable[Sighting], now: datetime) -> int:
    """By the rules as they are written, looking at everything at once."""
    everything = list(sightings)
    owners: dict[str, set[str]] = {}
    for one in everything:
        if one.device_key is not None:
            owners.setdefault(one.address, set()).add(one.device_key)
    devices: dict[tuple[str, str], list[Sighting]] = {}
    for one in everything:
        if one.device_key is not None:
            devices.setdefault(("key", one.device_key), []).append(one)
        elif one.address in owners:
            for key in owners[one.address]:
                devices.setdefault(("key", key), []).append(one)
        else:
            devices.setdefault(("address", one.address), []).append(one)
    newest = [max(one.seen for one in seen_of) for seen_of in devices.values()]
    return sum(one.counted_until >= now for one in newest)


def test_an_ip_and_mac_is_one_device_however_often_it_is_seen() -> None:
    zone = Zone()
    zone.report(sighting(7), sighting(7), sighting(8))
    zone.report(sighting(7))
    assert zone.count() == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("10.20.0.7", "00:1b:1b:0a:33:07"), ("10.20.0.8", "00:1b:1b:0a:33:07")),
        (("10.20.0.7", "00:1b:1b:0a:33:07"), ("10.20.0.7", "00:1b:1b:0a:33:08")),
        (("10.20.0.7", "00:1b:1b:0a:33:07"), ("10.20.0.7", None)),
        ((None, "00:1b:1b:0a:33:07"), ("10.20.0.7", None)),
    ],
)
def test_another_ip_or_another_mac_is_another_device(
    one: tuple[str | None, str | None], other: tuple[str | None, str | None]
) -> None:
    zone = Zone()
    zone.report(*(Sighting(address(*pair), None, seen("ot", START)) for pair in (one, other)))
    assert zone.count() == 2


def test_what_carries_one_key_is_one_device() -> None:
    zone = Zone()
    zone.report(*(sighting(last, "chassis 4") for last in range(1, 13)))
    zone.report(*(sighting(last, "switch 1", kind="network") for last in range(20, 68)))
    zone.report(sighting(99))
    assert zone.count() == 3


def test_an_address_seen_without_its_key_belongs_to_the_device_with_the_key() -> None:
    zone = Zone()
    zone.report(sighting(7, "host"))
    assert zone.report(sighting(7)).counted == 0
    assert zone.count() == 1


def test_a_key_seen_later_takes_in_what_was_a_device_of_its_own() -> None:
    zone = Zone()
    zone.report(sighting(7), sighting(8), sighting(9))
    observed = zone.report(sighting(7, "host"), sighting(8, "host"))
    assert (observed.counted, observed.fell) == (-1, True)
    assert zone.count() == 2


def test_a_device_stays_as_long_as_one_of_its_addresses_is_seen() -> None:
    zone = Zone()
    zone.report(sighting(7, "host"), sighting(8, "host"))
    zone.report(sighting(8, when=START + 50 * DAY), now=START + 50 * DAY)
    assert zone.count(START + 110 * DAY) == 1
    assert zone.count(START + 110 * DAY + timedelta(microseconds=1)) == 0


@pytest.mark.parametrize(("kind", "days"), [("ot", 60), ("it", 60), ("network", 60), ("enterprise_iot", 30)])
def test_a_device_is_idle_after_more_than_its_days(kind: Kind, days: int) -> None:
    zone = Zone()
    zone.report(sighting(kind=kind))
    last = START + days * DAY
    assert zone.count(last) == 1
    assert zone.count(last + timedelta(microseconds=1)) == 0


def test_an_idle_device_is_not_counted_and_comes_back_when_it_is_seen() -> None:
    zone = Zone()
    late = START + 90 * DAY
    zone.report(sighting(7), now=late)
    assert zone.count(late) == 0
    zone.report(sighting(7, when=late), now=late)
    assert zone.count(late) == 1


def test_an_older_report_takes_nothing_away_and_the_newest_says_what_it_is() -> None:
    zone = Zone()
    zone.report(sighting(when=START, kind="ot"))
    assert zone.report(sighting(when=START - 10 * DAY, kind="enterprise_iot")).rows == {}
    assert zone.count(START + 60 * DAY) == 1
    newer = zone.report(sighting(when=START + DAY, kind="enterprise_iot"), now=START + DAY)
    assert newer.fell
    assert zone.count(START + 31 * DAY) == 1
    assert zone.count(START + 32 * DAY) == 0


def test_what_is_known_already_is_not_written_again() -> None:
    zone = Zone()
    zone.report(sighting(7), sighting(8, "host"))
    again = zone.report(sighting(7), sighting(8, "host"), sighting(8, "host"))
    assert (again.rows, again.claims, again.counted, again.fell) == ({}, [], 0, False)


REPORTS: Final = st.lists(
    st.lists(
        st.builds(
            sighting,
            st.integers(1, 4),
            st.none() | st.sampled_from("abc"),
            kind=st.sampled_from(KINDS),
            when=st.integers(0, 70).map(lambda days: START + days * DAY),
        ),
        max_size=5,
    ),
    max_size=8,
)
LATER: Final = st.integers(0, 140).map(lambda days: START + (70 + days) * DAY)


def _reported(reports: Sequence[Sequence[Sighting]], *, swept: bool = False) -> Zone:
    zone = Zone()
    for place, report in enumerate(reports):
        now = START + min(10 * place, 70) * DAY
        zone.report(*report, now=now)
        if swept:
            zone.sweep(now)
    return zone


@given(reports=REPORTS, later=LATER)
def test_the_running_count_is_the_count_from_scratch_at_any_later_moment(
    reports: list[list[Sighting]], later: datetime
) -> None:
    expected = counted_from_scratch((one for report in reports for one in report), later)
    assert _reported(reports).count(later) == expected
    swept = _reported(reports, swept=True)
    assert swept.count(later) == expected
    swept.sweep(later)
    assert swept.count(later) == swept.counted == expected


@given(data=st.data(), reports=REPORTS, later=LATER)
def test_order_and_repetition_of_reports_change_no_count(
    data: st.DataObject, reports: list[list[Sighting]], later: datetime
) -> None:
    repeated = reports + (data.draw(st.lists(st.sampled_from(reports))) if reports else [])
    shuffled = [data.draw(st.permutations(report)) for report in data.draw(st.permutations(repeated))]
    assert _reported(shuffled).count(later) == _reported(reports).count(later)


@given(reports=REPORTS)
def test_what_keeps_its_count_or_gains_says_so(reports: list[list[Sighting]]) -> None:
    """`fell` is never missed: without it, no later moment has a lower count than before the report."""
    zone, now = Zone(), START + 70 * DAY
    for report in reports:
        before = [zone.count(now + days * DAY) for days in range(62)]
        observed = zone.report(*report, now=now)
        after = [zone.count(now + days * DAY) for days in range(62)]
        assert observed.fell or all(one <= other for one, other in zip(before, after, strict=True))
