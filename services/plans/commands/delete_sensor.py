"""The order of work of deleting a sensor, or all of them; their activation files are revoked (B78)."""

from datetime import datetime
from uuid import UUID

from services.plans.commands.record_sensor import record_sensor, record_sensors
from services.plans.domain.sensor import Sensor
from services.plans.store import sensors
from shared.db.database import Session
from shared.events.plans import SensorDeleted


async def delete_sensor(session: Session, sensor: Sensor, *, by: str, at: datetime) -> None:
    """Delete the sensor, which the session has locked."""
    await record_sensor(session, sensor, sensor.removed(), SensorDeleted, by=by, at=at)


async def delete_all_sensors(session: Session, subscription_id: UUID, *, by: str, at: datetime) -> None:
    """Delete what sensors the subscription has, as its plan's end does."""
    there = await sensors.lock_all(session, subscription_id)
    removed = [(sensor, sensor.removed()) for sensor in there]
    await record_sensors(session, removed, SensorDeleted, by=by, at=at)
