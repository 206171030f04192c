"""Whether the monitoring service runs for a tenant, which licenses alone decide (B24, C10)."""

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


def service(holdings: Holdings, *, now: datetime) -> Service:
    """The service at `now` (aware UTC)."""
    if holdings.any_in_use or holdings.last_ended_at is None:
        return Service("running", None, None)
    stops_at = holdings.last_ended_at + GRACE
    if now < stops_at:
        return Service("grace", stops_at, None)
    purged_at = stops_at + RETENTION
    return Service("stopped" if now < purged_at else "purged", stops_at, purged_at)
