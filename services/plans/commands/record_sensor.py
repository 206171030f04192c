"""How every change of a sensor is written: state, event, audit and notice together."""

from datetime import datetime

from services.plans import events
from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.notice import Notice
from services.plans.domain.sensor import Sensor
from services.plans.store import audit, sensors
from shared.db.database import Session
from shared.events.plans import SensorEvent


async def record_sensor(
    session: Session,
    before: Sensor | None,
    after: Sensor,
    happened: type[SensorEvent],
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Write what happened to a sensor, which the session has locked; `before` None: its name is new."""
    was_there = before is not None and not before.deleted
    if was_there:
        sensors.save(session, after)
    else:
        sensors.add(session, after, known=before is not None)
    was = events.sensor_state(before) if before is not None and was_there else None
    state = events.sensor_state(after)
    events.sensor_changed(session, after, happened, was, state, now=at)
    audit.record(
        session,
        happened.short_name(),
        tenant_id=after.tenant_id,
        subscription_id=after.subscription_id,
        actor=by,
        at=at,
        resource=after.resource,
        before=was,
        after={} if after.deleted else state,
        reason=reason,
    )
    if after.needs_reactivation or (before is not None and before.needs_reactivation):
        await _settle(session, after, at=at)


async def _settle(session: Session, sensor: Sensor, *, at: datetime) -> None:
    needed = Notice(
        "SensorReactivationRequired",
        sensor.resource,
        sensor.subscription_id,
        f"Sensor {sensor.name!r} needs a new activation file; it monitors on until it has it.",
        f"/v1/subscriptions/{sensor.subscription_id}/sensors/{sensor.name}/activation-file",
    )
    await settle_notices(
        session,
        about=[sensor.resource],
        wanted=[needed] if sensor.needs_reactivation else [],
        at=at,
        tenant_id=sensor.tenant_id,
    )
