"""Activation files of a tenant's management consoles (B72, B74)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.plans.domain.holdings import Holdings
from services.plans.domain.notice import Notice


@dataclass(frozen=True, slots=True)
class ConsoleFile:
    id: UUID
    tenant_id: UUID
    serial: int
    """Rises for ever, over all files of the tenant."""
    subscription_ids: tuple[UUID, ...]
    devices: int
    """Summed up when it was issued."""
    issued_at: datetime
    superseded_at: datetime | None
    file: str

    @property
    def resource(self) -> str:
        return f"console-activation-file/{self.id}"

    @property
    def version(self) -> int:
        return 1 if self.superseded_at is None else 2

    def planned(self, plans: Collection[UUID]) -> set[UUID]:
        """Those of its subscriptions that have a plan still; `plans` are all that have one."""
        return {subscription for subscription in self.subscription_ids if subscription in plans}

    def notice(self) -> Notice:
        """What is told once it is superseded, until one is issued for what has a plan still of its subscriptions.

        If nothing of them has, there is nothing to tell.
        """
        return Notice(
            "ConsoleFileSuperseded",
            self.resource,
            self.subscription_ids[0] if len(self.subscription_ids) == 1 else None,
            f"The console's activation file of serial {self.serial} says other figures than hold now.",
            "/v1/console-activation-files",
        )


@dataclass(frozen=True, slots=True)
class Counted:
    """What a plan adds to a console's figure."""

    legacy: bool
    committed_devices: int | None


def devices_of(plans: Collection[Counted], holdings: Holdings) -> int:
    """Licensed devices, once however many plans share the licenses, and the commitment of each legacy plan."""
    licensed = sum(size.quantity * size.max_devices for size in holdings.licensed_sites)
    committed = sum(plan.committed_devices or 0 for plan in plans if plan.legacy)
    return committed + (licensed if any(not plan.legacy for plan in plans) else 0)


def claims_of(
    *, tenant_id: UUID, subscription_ids: Collection[UUID], devices: int, issued_at: datetime, serial: int
) -> Mapping[str, Any]:
    """What the file says; it has no end of its own."""
    at = int(issued_at.timestamp())
    return {
        "v": 1,
        "tenant": str(tenant_id),
        "subscriptions": [str(subscription) for subscription in subscription_ids],
        "audience": "console",
        "devices": devices,
        "iat": at,
        "nbf": at,
        "serial": serial,
    }
