"""A license: some sites (or devices) of one product, bought together for one term."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal, Self
from uuid import UUID

from services.licensing.domain.catalog import BillingFrequency
from services.licensing.domain.term import WINDOW

Status = Literal["active", "disabled"]

DISABLED_FOR: Final = timedelta(days=90)
"""How long a license can still be seen by administrators after it is disabled (B21)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Licenses added at one moment; each batch has a window of its own and is settled by itself (B16)."""

    quantity: int
    added_at: datetime
    charged: int
    """What was charged for it in this term, in minor units."""

    @property
    def reducible_until(self) -> datetime:
        """The end of its window; this moment itself is too late."""
        return self.added_at + WINDOW


@dataclass(frozen=True, slots=True)
class License:
    id: UUID
    tenant_id: UUID
    sku: str
    site_size: str | None
    max_devices: int | None
    status: Status
    auto_renew: bool
    billing_frequency: BillingFrequency
    purchased_at: datetime
    term_start: datetime
    term_end: datetime
    cancellable_until: datetime
    disabled_ends_at: datetime | None
    unit_price: int
    """One charge for one license, in minor units; the price of the day it was bought, until renewal."""
    currency: str
    order_number: str
    batches: tuple[Batch, ...]
    version: int

    @property
    def quantity(self) -> int:
        return sum(batch.quantity for batch in self.batches)

    def open_batches(self, now: datetime) -> tuple[Batch, ...]:
        """The batches that can still be taken back at `now`."""
        if self.status != "active":
            return ()
        return tuple(batch for batch in self.batches if now < batch.reducible_until)

    def disabled(self, *, at: datetime) -> Self:
        """Out of use from `at` on, without the grace that an expiry has."""
        return replace(
            self,
            status="disabled",
            auto_renew=False,
            disabled_ends_at=at + DISABLED_FOR,
            version=self.version + 1,
        )
