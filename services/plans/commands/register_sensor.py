"""The order of work of registering a sensor, and of moving one."""

from datetime import datetime

from services.plans.commands.issue_activation_file import ActivationFile, sign
from services.plans.commands.record_sensor import record_sensor
from services.plans.domain.sensor import Management, Sensor, SensorType, register
from services.plans.domain.site import Site
from services.plans.signing import ActivationKeys
from shared.db.database import Session
from shared.events.plans import SensorChanged, SensorReactivationRequired, SensorRegistered


async def register_sensor(
    session: Session,
    known: Sensor | None,
    name: str,
    site: Site,
    *,
    zone: str,
    type_: SensorType,
    management: Management,
    keys: ActivationKeys,
    by: str,
    now: datetime,
) -> tuple[Sensor, ActivationFile]:
    """Register a sensor with its first activation file (B70); `known`: a deleted one of that name, locked."""
    sensor = register(
        known,
        subscription_id=site.subscription_id,
        tenant_id=site.tenant_id,
        name=name,
        site=site.name,
        zone=zone,
        type_=type_,
        management=management,
    ).with_new_file()
    await record_sensor(session, known, sensor, SensorRegistered, by=by, at=now)
    return sensor, sign(session, sensor, keys, by=by, now=now)


async def move_sensor(
    session: Session, sensor: Sensor, site: str, zone: str, management: Management, *, by: str, now: datetime
) -> Sensor:
    """Move the sensor, which the session has locked, or manage it otherwise; what is so already changes nothing."""
    moved = sensor.placed(site, zone, management)
    if moved == sensor:
        return sensor
    went_stale = moved.needs_reactivation and not sensor.needs_reactivation
    happened = SensorReactivationRequired if went_stale else SensorChanged
    await record_sensor(session, sensor, moved, happened, by=by, at=now)
    return moved
