"""The order of work of activating a sensor by its file."""

from datetime import datetime

from services.plans.commands.record_sensor import record_sensor
from services.plans.domain.activation import refusal
from services.plans.domain.errors import ActivationFileSignatureInvalid
from services.plans.domain.sensor import Sensor
from services.plans.signing import ActivationKeys
from shared.activation.file import SignatureInvalid
from shared.db.database import Session
from shared.events.plans import SensorActivated


async def activate_sensor(
    session: Session, sensor: Sensor, file: str, keys: ActivationKeys, *, by: str, now: datetime
) -> Sensor:
    """Activate the sensor, which the session has locked; one that is active already stays as it is.

    Raises ActivationFileSignatureInvalid, ActivationFileWrongSensor, ActivationFileRevoked,
    ActivationFileSuperseded, ActivationFileExpired (B71).
    """
    try:
        claims = keys.read(file)
    except SignatureInvalid as error:
        raise ActivationFileSignatureInvalid(str(error)) from error
    if (refused := refusal(sensor, claims, now=now)) is not None:
        raise refused
    active = sensor.activated(now)
    if active != sensor:
        await record_sensor(session, sensor, active, SensorActivated, by=by, at=now)
    return active
