"""The order of work of issuing an activation file to a sensor."""

from dataclasses import dataclass
from datetime import datetime

from services.plans.domain.activation import VALID_FOR, claims_of
from services.plans.domain.sensor import Sensor
from services.plans.signing import ActivationKeys
from services.plans.store import audit, sensors
from shared.db.database import Session
from shared.events.wire import utc_text


@dataclass(frozen=True, slots=True)
class ActivationFile:
    serial: int
    issued_at: datetime
    """A whole second, UTC."""
    expires_at: datetime
    file: str


def issue_activation_file(
    session: Session, sensor: Sensor, keys: ActivationKeys, *, by: str, now: datetime
) -> ActivationFile:
    """A file for the sensor, which the session has locked; it supersedes the one before."""
    issued = sensor.with_new_file()
    sensors.save(session, issued)
    return sign(session, issued, keys, by=by, now=now)


def sign(session: Session, sensor: Sensor, keys: ActivationKeys, *, by: str, now: datetime) -> ActivationFile:
    """The file of the sensor's present serial, which is written by whoever calls."""
    issued_at = now.replace(microsecond=0)
    text = keys.sign(claims_of(sensor, issued_at=issued_at))
    expires_at = issued_at + VALID_FOR
    audit.record(
        session,
        "sensor.activation_file_issued",
        tenant_id=sensor.tenant_id,
        subscription_id=sensor.subscription_id,
        actor=by,
        at=now,
        resource=sensor.resource,
        before=None,
        after={"serial": sensor.serial, "expires_at": utc_text(expires_at)},
    )
    return ActivationFile(sensor.serial, issued_at, expires_at, text)
