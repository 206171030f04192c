"""Routes of what sensors see."""

from typing import Annotated, Final, Literal, Self

from fastapi import APIRouter
from pydantic import AfterValidator, ConfigDict, Field, model_validator
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_of
from services.plans.commands.observe_devices import Report, observe_devices
from services.plans.domain.address import normal_ip, normal_mac
from services.plans.domain.errors import SensorNotFound, SubscriptionNotFound
from services.plans.domain.site import is_name
from services.plans.store import devices
from shared.events.wire import UtcInput, WireModel
from shared.http.call import Input
from shared.http.documents import Direct, documents
from shared.http.write import write

router = APIRouter(prefix="/v1/subscriptions/{subscription_id}/sensors", tags=["Plans"], route_class=Direct)

_BODY_LIMIT: Final = 4 * 1024 * 1024
_MOST: Final = 5_000


class DeviceIn(Input):
    """A device as a sensor saw it."""

    ip: Annotated[str, AfterValidator(normal_ip)] | None = None
    """IPv4 or IPv6; this or `mac` has to be there."""
    mac: Annotated[str, AfterValidator(normal_mac)] | None = None
    kind: Literal["ot", "enterprise_iot", "it", "network"]
    last_seen: UtcInput
    device_key: str | None = Field(default=None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")
    """What the addresses of one device have in common; within a zone."""
    managed: bool = False
    """Whether it is an endpoint that is covered elsewhere already."""

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.ip is None and self.mac is None:
            raise ValueError("ip or mac has to be there")
        return self


class DeviceObservationsIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "devices": [
                        {
                            "ip": "10.20.0.7",
                            "mac": "00:1b:1b:0a:33:f1",
                            "kind": "ot",
                            "last_seen": "2026-03-01T09:30:00Z",
                            "device_key": None,
                            "managed": False,
                        }
                    ]
                }
            ]
        }
    )

    devices: list[DeviceIn] = Field(min_length=1, max_length=_MOST)


class IgnoredOut(WireModel):
    index: int
    """Place of the row in the request, from 0."""
    reason: Literal["managed", "public", "multicast", "broadcast", "in_future"]


class DeviceObservationsOut(WireModel):
    accepted: int
    ignored: list[IgnoredOut]
    detected_devices: int
    """Of the subscription, now."""

    @classmethod
    def of(cls, report: Report) -> Self:
        return cls(
            accepted=report.accepted,
            ignored=[IgnoredOut(index=index, reason=reason) for index, reason in report.ignored],
            detected_devices=report.detected_devices,
        )


@router.post(
    "/{name}/device-observations",
    **documents(
        body=DeviceObservationsIn,
        answer=DeviceObservationsOut,
        errors=[SubscriptionNotFound, SensorNotFound],
    ),
)
async def observe(request: Request) -> Response:
    """Count the devices that a sensor has seen at its site and zone: up to 5,000 a call, 4 MiB of body.

    Rows of managed endpoints, public, multicast and broadcast addresses and of the future are ignored, each with
    its reason. Idle devices are accepted and not counted (60 days, `enterprise_iot` 30); a report older than one
    that is known takes nothing away. Nothing is ever refused because there are too many devices.
    """
    async with write(request, limit=_BODY_LIMIT) as call:
        subscription = await subscription_of(call)
        name = request.path_params["name"]
        place = await devices.place_of(call.session, subscription.id, name) if is_name(name) else None
        if place is None:
            raise SensorNotFound(name)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(DeviceObservationsIn)
        now = await call.now()
        report = await observe_devices(call.session, place, asked.devices, by=call.principal, now=now)
        call.answer(200, DeviceObservationsOut.of(report))
    return call.response
