"""A sensor: registered, activated by its own file, and in need of a new one after certain changes (B70, B71)."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, Self, TypeVar
from uuid import UUID

SensorType = Literal["ot", "enterprise_iot"]
Management = Literal["cloud", "local"]
ActivationState = Literal["pending_activation", "active", "reactivation_required"]


@dataclass(frozen=True, slots=True)
class Sensor:
    subscription_id: UUID
    tenant_id: UUID
    name: str
    """As it was first written, for its events have one subject whatever the case."""
    site: str
    """The name of its site, as the site is called."""
    zone: str
    type: SensorType
    management: Management
    activation_state: ActivationState
    activated_at: datetime | None
    deleted: bool
    serial: int
    """Of its newest activation file; rises for ever, also when the name is deleted and registered again."""
    superseded_through: int
    """Files up to this serial are superseded."""
    revoked_through: int
    """Files up to this serial are revoked, for the sensor they were for is deleted (B78)."""
    version: int

    @property
    def resource(self) -> str:
        return f"sensor/{self.subscription_id}/{self.name}"

    @property
    def needs_reactivation(self) -> bool:
        return not self.deleted and self.activation_state == "reactivation_required"

    def placed(self, site: str, zone: str, management: Management) -> Self:
        """At another place or managed otherwise; itself if it is so already.

        Another site or mode needs a new activation file (section 2.4), another zone does not.
        """
        moved = replace(self, site=site, zone=zone, management=management)
        if moved == self:
            return self
        moved = replace(moved, version=self.version + 1)
        same_site = site.lower() == self.site.lower()
        return moved if same_site and management == self.management else _stale(moved)

    def reactivation_required(self) -> Self:
        """After a change of its plan (B57); itself where it waits for a new file already."""
        if self.activation_state == "reactivation_required":
            return self
        if self.activation_state == "pending_activation":
            return replace(self, superseded_through=self.serial)
        return _stale(replace(self, version=self.version + 1))

    def with_new_file(self) -> Self:
        """The file of the next serial is issued; the one before is superseded by it. No new version."""
        return replace(self, serial=self.serial + 1, superseded_through=self.serial)

    def activated(self, at: datetime) -> Self:
        """Its newest file was given to it; itself if it is active."""
        if self.activation_state == "active":
            return self
        return replace(self, activation_state="active", activated_at=at, version=self.version + 1)

    def removed(self) -> Self:
        """As it is remembered: its files are revoked, and versions and serials go on should it be registered anew."""
        return replace(self, deleted=True, revoked_through=self.serial, version=self.version + 1)


_Sensor = TypeVar("_Sensor", bound=Sensor)


def _stale(sensor: _Sensor) -> _Sensor:
    """In need of a new file, whether or not it had taken one."""
    if sensor.activation_state == "pending_activation":
        return replace(sensor, superseded_through=sensor.serial)
    return replace(sensor, activation_state="reactivation_required", superseded_through=sensor.serial)


def register(
    before: Sensor | None,
    *,
    subscription_id: UUID,
    tenant_id: UUID,
    name: str,
    site: str,
    zone: str,
    type_: SensorType,
    management: Management,
) -> Sensor:
    """A new sensor; `before` is what is remembered of a deleted one of that name, which stays spelled as it was."""
    serial = 0 if before is None else before.serial
    return Sensor(
        subscription_id=subscription_id,
        tenant_id=tenant_id,
        name=name if before is None else before.name,
        site=site,
        zone=zone,
        type=type_,
        management=management,
        activation_state="pending_activation",
        activated_at=None,
        deleted=False,
        serial=serial,
        superseded_through=serial,
        revoked_through=0 if before is None else before.revoked_through,
        version=1 if before is None else before.version + 1,
    )
