"""In which order does time pass for a sandbox: every due change of both services at its own due time.

Pure over `Clock`: it knows neither HTTP nor the time of day.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class Standing:
    """How a tenant stands in one service, as of one moment."""

    now: datetime
    advancing_to: datetime | None
    next_due_at: datetime | None
    """When the next change by time alone is due; up to `now` means that it has not been made yet."""
    sent: int
    """Events of the tenant that the service has committed."""
    unsent: int
    """Those of them that Kafka does not have yet."""
    received: int | None
    """Events of the other service that it has applied; None where it follows none."""

    @property
    def furthest(self) -> datetime:
        """The moment that the clock has reached or is on its way to."""
        return max(self.now, self.advancing_to or self.now)


Standings: TypeAlias = tuple[Standing, Standing]


class Clock(Protocol):
    """A tenant's clock in one service."""

    async def read(self) -> Standing: ...

    async def set(self, now: datetime, *, advancing_to: datetime | None) -> None:
        """Move to `now`, and keep in mind where the walk goes. A clock that stands later stays there."""
        ...


class Pause(Protocol):
    """Waits before the next look."""

    async def __call__(self, *, moved: bool) -> None:
        """Told whether anything has `moved` since the last look, it may raise to give up."""
        ...


def is_quiet(licensing: Standing, plans: Standing) -> bool:
    """Whether nothing is left to do at the present moment: no event under way, nothing due.

    The two need not have been read at the same moment: neither changes by itself once it has nothing due and
    nothing unsent and has applied all that the other ever sent.
    """
    return (
        _is_idle(licensing)
        and _is_idle(plans)
        and licensing.received in (None, plans.sent)
        and plans.received in (None, licensing.sent)
    )


def _is_idle(standing: Standing) -> bool:
    return standing.unsent == 0 and (standing.next_due_at is None or standing.next_due_at > standing.now)


def next_stop(standings: Standings, to: datetime) -> datetime:
    """The next moment at which something is due in either service, or `to` if nothing is before."""
    return min([to, *(one.next_due_at for one in standings if one.next_due_at is not None)])


async def walk(clocks: tuple[Clock, Clock], to: datetime, pause: Pause) -> None:
    """Move both clocks to `to`, from one due moment to the next; returns once the tenant is quiet there.

    May be begun anew wherever an earlier walk was cut off, also between the moves of the two clocks. Only one
    should run for a tenant at a time; a second does no harm, for clocks move forward only.
    """
    standings = await _read(clocks)
    if any(one.now < to and one.advancing_to != to for one in standings):
        for clock, one in zip(clocks, standings, strict=True):
            await clock.set(one.now, advancing_to=to)
    seen = standings
    while True:
        standings = await _read(clocks)
        now = max(one.now for one in standings)
        if any(one.now < now for one in standings):
            await _move(clocks, now, advancing_to=max(to, now))
        elif not is_quiet(*standings):
            await pause(moved=standings != seen)
        elif now < to:
            await _move(clocks, next_stop(standings, to), advancing_to=to)
        else:
            break
        seen = standings
    # What points further belongs to a walk that came after this one.
    if any(one.advancing_to is not None and one.advancing_to <= now for one in standings):
        await _move(clocks, now, advancing_to=None)


async def _read(clocks: tuple[Clock, Clock]) -> Standings:
    licensing, plans = await asyncio.gather(clocks[0].read(), clocks[1].read())
    return licensing, plans


async def _move(clocks: tuple[Clock, Clock], now: datetime, *, advancing_to: datetime | None) -> None:
    for clock in clocks:
        await clock.set(now, advancing_to=advancing_to)
