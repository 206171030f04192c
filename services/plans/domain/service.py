"""Whether the monitoring service runs for a tenant, which licenses alone decide (B24)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.plans.domain.holdings import Holdings

GRACE: Final = timedelta(days=30)
"""From the end of the last license until the service stops."""
RETENTION: Final = timedelta(days=90)
"""From the stop until the data are purged (C16)."""

ServiceState = Literal["running", "grace", "stopped", "purged"]


@dataclass(frozen=True, slots=True)
class Service:
    state: ServiceState
    stops_at: datetime | None
    """Null while it runs."""
    data_purged_at: datetime | None
    """Foretold from the stop on."""


def next_change(holdings: Holdings, *, after: datetime) -> datetime | None:
    """When time alone changes the service next, later than `after` (aware UTC); None: never, as things are."""
    stops_at = service(holdings, now=after).stops_at
    if stops_at is None:
        return None
    return next((at for at in (stops_at, stops_at + RETENTION) if at > after), None)


def turn(holdings: Holdings, *, at: datetime) -> tuple[Service, Service] | None:
    """The service before `at` (aware UTC) and from then on, where time alone turns it at that very moment."""
    before, after = service(holdings, now=at - timedelta.resolution), service(holdings, now=at)
    return None if before.state == after.state else (before, after)


def expected(before: Holdings, held: Holdings, *, due_at: datetime | None, now: datetime) -> datetime | None:
    """When time has to be looked at next, once licenses have changed at `now` and it was `due_at` before.

    What fell due before and is not done yet stays due, so that no license event can make time pass by it; a
    license in use takes it back.
    """
    if held.any_in_use or held.last_ended_at is None:
        return None
    if not before.any_in_use and before.last_ended_at == held.last_ended_at:
        return due_at
    stops_at = held.last_ended_at + GRACE
    return stops_at if stops_at > now else stops_at + RETENTION


def service(holdings: Holdings, *, now: datetime) -> Service:
    """The service at `now` (aware UTC)."""
    if holdings.any_in_use or holdings.last_ended_at is None:
        return Service("running", None, None)
    stops_at = holdings.last_ended_at + GRACE
    if now < stops_at:
        return Service("grace", stops_at, None)
    purged_at = stops_at + RETENTION
    return Service("stopped" if now < purged_at else "purged", stops_at, purged_at)
