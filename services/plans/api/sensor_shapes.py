"""What plans' routes of sensors take and answer."""

from collections.abc import Iterable
from typing import Literal, Self

from pydantic import ConfigDict, Field

from services.plans.commands.issue_activation_file import ActivationFile
from services.plans.domain.sensor import Sensor
from services.plans.domain.site import NAME
from services.plans.events import sensor_state
from shared.activation.file import MOST_CHARACTERS
from shared.events.state import SensorState
from shared.events.wire import Utc, WireModel
from shared.http.call import Input, Partial


class SensorIn(Partial):
    model_config = ConfigDict(json_schema_extra={"examples": [{"site": "hall-1", "zone": "Packing"}]})

    site: str | None = Field(default=None, pattern=NAME)
    """The name of a site; an Enterprise IoT sensor is at "Enterprise network" always (B76)."""
    zone: str | None = Field(default=None, pattern=NAME)
    """One of the site's; by default `Default`, or else its first."""
    type: Literal["ot", "enterprise_iot"] | None = None
    management: Literal["cloud", "local"] | None = None


class SensorPatch(SensorIn):
    model_config = ConfigDict(json_schema_extra={"examples": [{"management": "local"}]})


class ActivationFileOut(WireModel):
    serial: int
    """Rises for ever for a sensor's name."""
    issued_at: Utc
    expires_at: Utc
    """14 days later; from then on no sensor is activated by it."""
    file: str

    @classmethod
    def of(cls, issued: ActivationFile) -> Self:
        return cls(
            serial=issued.serial,
            issued_at=issued.issued_at,
            expires_at=issued.expires_at,
            file=issued.file,
        )


class SensorOut(SensorState):
    """A sensor as it is now."""

    notices: tuple[str, ...] = Field(strict=False)
    """Codes of the notices that concern it now, those of its site's size and its plan's commitment among them."""

    @classmethod
    def of(cls, sensor: Sensor, warnings: Iterable[str]) -> Self:
        """`warnings`: what is open on the number of devices around it, of which its own version tells nothing (B52)."""
        state = sensor_state(sensor)
        return cls(**state.__dict__ | {"notices": (*state.notices, *warnings)})


class RegisteredSensorOut(SensorOut):
    """A sensor that was registered, with its first activation file."""

    activation_file: ActivationFileOut | None = Field(default=None, exclude_if=lambda file: file is None)
    """Absent where the sensor was registered before."""

    @classmethod
    def with_file(cls, registered: SensorOut, issued: ActivationFile) -> Self:
        return cls(**registered.__dict__, activation_file=ActivationFileOut.of(issued))


class ActivateIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"file": "-----BEGIN SITEWARD ACTIVATION FILE-----\neyJhbGciOiJFZERTQSJ9"}]
        }
    )

    file: str = Field(max_length=MOST_CHARACTERS, pattern=r"^[\n\r\t\x20-\x7e]*$")
