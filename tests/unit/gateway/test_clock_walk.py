"""Does time pass in order, whatever the two services are in the middle of?"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock_walk import Standing, is_quiet, next_stop, walk

START = datetime(2026, 3, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return START + timedelta(hours=hours)


class Cut(Exception):
    """The gateway's process ends here."""


@dataclass
class Service:
    """A service with rows that fall due; what falls due is told to the other one by an event."""

    due: list[tuple[datetime, float | None]]
    """When, and after how many hours it makes something due in the other service."""
    now: datetime = START
    advancing_to: datetime | None = None
    sent: int = 0
    outbox: list[float | None] = field(default_factory=list)
    received: int = 0
    done: list[tuple[datetime, datetime]] = field(default_factory=list)
    """What was done: when it was due, and what the clock said."""
    moves: list[datetime] = field(default_factory=list)
    before_set: Callable[[], None] = lambda: None

    async def read(self) -> Standing:
        return Standing(
            self.now,
            self.advancing_to,
            min((due for due, _ in self.due), default=None),
            self.sent,
            len(self.outbox),
            self.received,
        )

    async def set(self, now: datetime, *, advancing_to: datetime | None) -> None:
        self.before_set()
        if now >= self.now:
            self.now, self.advancing_to = now, advancing_to
            self.moves.append(now)


@dataclass
class World:
    """Two services and what carries events between them; each pause lets one thing happen."""

    licensing: Service
    plans: Service
    steps_until_cut: int = 1_000_000
    topic: list[tuple[Service, datetime, float | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.licensing.before_set = self.plans.before_set = self._count_down

    @property
    def clocks(self) -> tuple[Service, Service]:
        return self.licensing, self.plans

    async def pause(self, *, moved: bool) -> None:
        del moved
        self._count_down()
        for one, other in ((self.licensing, self.plans), (self.plans, self.licensing)):
            ripe = sorted((row for row in one.due if row[0] <= one.now), key=lambda row: row[0])
            if ripe:
                one.due.remove(ripe[0])
                one.done.append((ripe[0][0], one.now))
                one.sent += 1
                one.outbox.append(ripe[0][1])
                return
            if one.outbox:
                self.topic.append((other, one.now, one.outbox.pop(0)))
                return
        if self.topic:
            receiver, time, hours = self.topic.pop(0)
            receiver.received += 1
            if hours is not None:
                receiver.due.append((time + timedelta(hours=hours), None))

    def _count_down(self) -> None:
        self.steps_until_cut -= 1
        if self.steps_until_cut == 0:
            raise Cut

    async def walk(self, to: datetime) -> None:
        await walk(self.clocks, to, self.pause)


ROWS = st.lists(st.tuples(st.integers(1, 40).map(at), st.none() | st.integers(1, 10).map(float)), max_size=6)


def test_a_tenant_is_quiet_when_nothing_is_under_way_and_nothing_is_due() -> None:
    one = Standing(START, None, at(1), sent=3, unsent=0, received=2)
    other = Standing(START, None, None, sent=2, unsent=0, received=3)
    assert is_quiet(one, other)
    assert not is_quiet(replace(one, unsent=1), other)
    assert not is_quiet(replace(one, received=1), other)
    assert not is_quiet(one, replace(other, received=2))
    assert not is_quiet(replace(one, next_due_at=START), other)


def test_the_next_stop_is_the_first_moment_at_which_either_service_has_something_due() -> None:
    one = Standing(START, None, at(5), 0, 0, 0)
    other = Standing(START, None, at(3), 0, 0, 0)
    assert next_stop((one, other), at(9)) == at(3)
    assert next_stop((one, other), at(2)) == at(2)
    assert next_stop((replace(one, next_due_at=None), replace(other, next_due_at=None)), at(9)) == at(9)


async def test_standing_still_waits_for_quiet_and_moves_nothing() -> None:
    world = World(Service(due=[(START, None)]), Service(due=[]))
    await world.walk(START)
    assert world.plans.received == 1
    assert world.licensing.moves == []


async def test_what_an_event_makes_due_on_the_way_is_done_on_the_way() -> None:
    world = World(Service(due=[(at(2), 1.0)]), Service(due=[(at(10), None)]))
    await world.walk(at(5))
    assert world.licensing.done == [(at(2), at(2))]
    assert world.plans.done == [(at(3), at(3))]
    assert [one.now for one in world.clocks] == [at(5), at(5)]
    assert [one.advancing_to for one in world.clocks] == [None, None]


async def test_where_it_goes_is_kept_by_both_services_before_anything_moves() -> None:
    world = World(Service(due=[(START, None)]), Service(due=[]), steps_until_cut=3)
    with pytest.raises(Cut):
        await world.walk(at(5))
    assert [(one.now, one.advancing_to) for one in world.clocks] == [(START, at(5)), (START, at(5))]


async def test_a_clock_left_behind_is_brought_forward_first() -> None:
    world = World(Service(due=[], now=at(3), advancing_to=at(5)), Service(due=[], advancing_to=at(5)))
    await world.walk(at(5))
    assert world.plans.moves == [at(3), at(5), at(5)]
    assert [one.now for one in world.clocks] == [at(5), at(5)]


async def test_a_walk_leaves_alone_what_a_later_one_has_set_out_for() -> None:
    world = World(
        Service(due=[], now=at(6), advancing_to=at(9)), Service(due=[], now=at(6), advancing_to=at(9))
    )
    await world.walk(at(5))
    assert [(one.now, one.advancing_to) for one in world.clocks] == [(at(6), at(9)), (at(6), at(9))]


@given(licensing=ROWS, plans=ROWS, cuts=st.lists(st.integers(1, 12), max_size=4))
def test_everything_due_is_done_at_its_own_time_and_in_order_however_often_the_gateway_ends(
    licensing: list[tuple[datetime, float | None]],
    plans: list[tuple[datetime, float | None]],
    cuts: list[int],
) -> None:
    world = World(Service(due=licensing.copy()), Service(due=plans.copy()))
    to = at(30)
    for cut in cuts:
        world.steps_until_cut = cut
        try:
            asyncio.run(world.walk(to))
        except Cut:
            continue
    world.steps_until_cut = 1_000_000
    asyncio.run(world.walk(to))
    for one in world.clocks:
        assert one.now == to
        assert one.advancing_to is None
        assert all(due == clock for due, clock in one.done)
        assert [due for due, _ in one.done] == sorted(due for due, _ in one.done)
        assert all(due > to for due, _ in one.due)
    assert world.licensing.received == world.plans.sent
    assert world.plans.received == world.licensing.sent
