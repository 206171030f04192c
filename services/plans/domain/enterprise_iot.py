"""Enterprise IoT on a subscription: covered by licenses of its own, or bought in the legacy way."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from services.plans.domain.errors import ChangePending, EnterpriseIotLicenseActive, NoEnterpriseIotLicense
from services.plans.domain.holdings import Holdings
from services.plans.domain.pending_change import DELAY

DEVICES_A_SEAT: Final = 5
"""Devices that each seat of a suite license covers already (B49)."""

END: Final = "enterprise_iot.cancel"
"""The kind of the change that a pending end is."""


@dataclass(frozen=True, slots=True)
class EnterpriseIot:
    subscription_id: UUID
    tenant_id: UUID
    status: Literal["on", "off"] = "off"
    legacy: bool = False
    """Charged by itself and covered by no license; so it ends an hour after it is cancelled."""
    effective_at: datetime | None = None
    """When a pending end takes effect, or else when the status did; null where it was never on."""
    due_at: datetime | None = None
    """When a confirmed end takes effect; null where none is pending."""
    operation_id: UUID | None = None
    """Of the pending end."""
    version: int = 0
    """0 where it was never on."""

    def turned_on(self, holdings: Holdings, *, now: datetime) -> Self:
        """Itself if it is on. Raises ChangePending where its end is pending, NoEnterpriseIotLicense."""
        if self.due_at is not None:
            raise ChangePending(END, self.due_at)
        if self.status == "on":
            return self
        if not holdings.enterprise_iot:
            raise NoEnterpriseIotLicense
        return self._next("on", legacy=False, at=now)

    def turned_on_as_legacy(self, *, at: datetime) -> Self:
        """On without a license, as an existing customer has it."""
        return self._next("on", legacy=True, at=at)

    def turned_off(self, *, at: datetime) -> Self:
        """Itself if it is off."""
        return self if self.status == "off" else self._next("off", legacy=self.legacy, at=at)

    def cancelled(self, holdings: Holdings, *, operation_id: UUID, now: datetime) -> Self:
        """Off; or, a legacy one, with its end pending. Itself if it is so already.

        Raises EnterpriseIotLicenseActive: what licenses cover ends with them (B38).
        """
        if self.legacy and self.status == "on":
            return self if self.due_at is not None else self._ending(operation_id, now + DELAY)
        if self.status == "on" and holdings.enterprise_iot:
            raise EnterpriseIotLicenseActive
        return self.turned_off(at=now)

    def _next(self, status: Literal["on", "off"], *, legacy: bool, at: datetime) -> Self:
        return replace(
            self,
            status=status,
            legacy=legacy,
            effective_at=at,
            due_at=None,
            operation_id=None,
            version=self.version + 1,
        )

    def _ending(self, operation_id: UUID, at: datetime) -> Self:
        return replace(self, effective_at=at, due_at=at, operation_id=operation_id, version=self.version + 1)


@dataclass(frozen=True, slots=True)
class Estimate:
    """How many licenses some devices need (B49)."""

    devices: int
    covered_by_seats: int
    licenses_needed: int


def estimate(devices: int, seats: int) -> Estimate:
    """For devices in the network, and seats of a suite license; exact, never rounded to hundreds (C9)."""
    covered = DEVICES_A_SEAT * seats
    return Estimate(devices, covered, max(0, devices - covered))
