"""The order of work of asking all sensors of a subscription to be activated anew (B57)."""

from datetime import datetime
from uuid import UUID

from services.plans.commands.record_sensor import record_sensors
from services.plans.store import sensors
from shared.db.database import Session
from shared.events.plans import SensorReactivationRequired


async def require_reactivation(
    session: Session, subscription_id: UUID, *, by: str, at: datetime, reason: str | None = None
) -> None:
    """Supersede the files of all its sensors; those that are active need a new one from `at` (aware UTC) on."""
    went_stale = []
    for before in await sensors.lock_all(session, subscription_id):
        after = before.reactivation_required()
        if after.version != before.version:
            went_stale.append((before, after))
        elif after != before:
            sensors.save(session, after)
    await record_sensors(session, went_stale, SensorReactivationRequired, by=by, at=at, reason=reason)
