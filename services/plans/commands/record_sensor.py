"""How every change of a sensor is written: state, event, audit and notice together."""

from collections.abc import Sequence
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
    await record_sensors(session, [(before, after)], happened, by=by, at=at, reason=reason)


async def record_sensors(
    session: Session,
    changes: Sequence[tuple[Sensor | None, Sensor]],
    happened: type[SensorEvent],
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """The same of several sensors of one subscription, each as it was and as it is."""
    for before, after in changes:
        _record(session, before, after, happened, by=by, at=at, reason=reason)
    about = [after for before, after in changes if after.needs_reactivation or _needed(before)]
    await settle_notices(
        session,
        about=[sensor.resource for sensor in about],
        wanted=[_notice(sensor) for sensor in about if sensor.needs_reactivation],
        at=at,
        tenant_id=about[0].tenant_id if about else None,
    )


def _record(
    session: Session,
    before: Sensor | None,
    after: Sensor,
    happened: type[SensorEvent],
    *,
    by: str,
    at: datetime,
    reason: str | None,
) -> None:
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


def _needed(before: Sensor | None) -> bool:
    return before is not None and before.needs_reactivation


def _notice(sensor: Sensor) -> Notice:
    return Notice(
        "SensorReactivationRequired",
        sensor.resource,
        sensor.subscription_id,
        f"Sensor {sensor.name!r} needs a new activation file; it monitors on until it has it.",
        f"/v1/subscriptions/{sensor.subscription_id}/sensors/{sensor.name}/activation-file",
    )
