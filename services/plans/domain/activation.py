"""What an activation file of a sensor says, and whether the sensor may be activated by it (B71)."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.plans.domain.errors import (
    ActivationFileExpired,
    ActivationFileRevoked,
    ActivationFileSignatureInvalid,
    ActivationFileSuperseded,
    ActivationFileWrongSensor,
    PlansError,
)
from services.plans.domain.sensor import Sensor

VALID_FOR: Final = timedelta(days=14)


def seconds(moment: datetime) -> int:
    """Whole seconds since the epoch, as claims have them."""
    return int(moment.timestamp())


def claims_of(sensor: Sensor, *, issued_at: datetime) -> dict[str, Any]:
    """What the file of the sensor's present serial says; good for 14 days from `issued_at` (aware UTC)."""
    at = seconds(issued_at)
    return {
        "v": 1,
        "tenant": str(sensor.tenant_id),
        "subscription": str(sensor.subscription_id),
        "audience": "sensor",
        "sensor": sensor.name,
        "site": sensor.site,
        "zone": sensor.zone,
        "management": sensor.management,
        "iat": at,
        "nbf": at,
        "exp": seconds(issued_at + VALID_FOR),
        "serial": sensor.serial,
    }


def refusal(sensor: Sensor, claims: Mapping[str, Any], *, now: datetime) -> PlansError | None:
    """What stands against activating the sensor by a file that says so, whose signature is good."""
    if claims.get("audience") != "sensor":
        return ActivationFileSignatureInvalid("It is not for a sensor.")
    own = (str(sensor.tenant_id), str(sensor.subscription_id), sensor.name.lower())
    if (claims["tenant"], claims["subscription"], str(claims["sensor"]).lower()) != own:
        return ActivationFileWrongSensor(sensor.name)
    if claims["serial"] <= sensor.revoked_through:
        return ActivationFileRevoked(sensor.name)
    if claims["serial"] <= sensor.superseded_through or claims["serial"] < sensor.serial:
        return ActivationFileSuperseded(sensor.serial)
    if seconds(now) >= claims["exp"]:
        return ActivationFileExpired(datetime.fromtimestamp(claims["exp"], UTC))
    return None
