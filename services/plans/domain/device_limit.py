"""What a site's size or a plan's commitment says about the number of devices: it warns, and never blocks (C10)."""

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote
from uuid import UUID

from services.plans.domain.holdings import SIZES
from services.plans.domain.notice import Notice

CODES: Final = ("SiteOverSize", "CommittedDevicesExceeded")
_LARGEST: Final = SIZES[-1]


def site_resource(subscription_id: UUID, name: str) -> str:
    return f"site/{subscription_id}/{name}"


@dataclass(frozen=True, slots=True)
class SiteLimit:
    """How many devices a site has, and how many its size is for."""

    site_id: UUID
    subscription_id: UUID
    name: str
    site_size: str | None
    max_devices: int | None
    """Null where the site has no size: then it has no limit of its own."""
    devices: int

    @property
    def resource(self) -> str:
        return site_resource(self.subscription_id, self.name)

    @property
    def above(self) -> int:
        """How many devices there are too many."""
        return 0 if self.max_devices is None else max(0, self.devices - self.max_devices)

    @property
    def notice(self) -> Notice | None:
        """What is to be told of it, as many as the size is for being none too many."""
        if not self.above:
            return None
        larger = (
            "More are covered by sizes 2XL and 3XL, which sales assists with."
            if self.site_size == _LARGEST
            else "Choose a larger size, if need be when its license is renewed."
        )
        return Notice(
            code="SiteOverSize",
            resource=self.resource,
            subscription_id=self.subscription_id,
            text=f"Site {self.name} has {self.devices:,} devices, more than the {self.max_devices:,} that its size "
            f"{self.site_size} is for. All of them are monitored. {larger}",
            link=f"/v1/subscriptions/{self.subscription_id}/sites/{quote(self.name)}",
        )


@dataclass(frozen=True, slots=True)
class Commitment:
    """How many devices a subscription has, and how many its plan commits to; of legacy plans alone."""

    subscription_id: UUID
    committed_devices: int | None
    """Null where the plan commits to none, follows licenses or has ended."""
    devices: int

    @property
    def resource(self) -> str:
        return f"plan/{self.subscription_id}"

    @property
    def above(self) -> int:
        """How many devices there are too many."""
        return 0 if self.committed_devices is None else max(0, self.devices - self.committed_devices)

    @property
    def notice(self) -> Notice | None:
        """What is to be told of it; as many as committed is no warning (B52)."""
        if not self.above:
            return None
        return Notice(
            code="CommittedDevicesExceeded",
            resource=self.resource,
            subscription_id=self.subscription_id,
            text=f"The sensors have detected {self.devices:,} devices, more than the {self.committed_devices:,} that "
            "the plan commits to. All of them are monitored. Edit the plan to commit to as many as there are.",
            link=f"/v1/subscriptions/{self.subscription_id}/plan",
        )
