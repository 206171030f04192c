"""A license: some sites (or devices) of one product, bought together for one term."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self
from uuid import UUID

from services.licensing.domain.catalog import BillingFrequency
from services.licensing.domain.term import WINDOW, billing_month, days_between

Status = Literal["trial", "active", "expired", "disabled", "deleted"]

EXPIRING_BEFORE: Final = timedelta(days=30)
"""How long before a term that will not be renewed ends its holder is told (B23)."""
GRACE: Final = timedelta(days=30)
"""How long an expired license can be reactivated (B21)."""
DISABLED_FOR: Final = timedelta(days=90)
"""How long a disabled license can still be seen before it is deleted (B21)."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Licenses added at one moment; each batch has a window of its own and is settled by itself (B16)."""

    quantity: int
    added_at: datetime
    charged: int
    """What was charged for it in this term so far, in minor units."""

    @property
    def reducible_until(self) -> datetime:
        """The end of its window; this moment itself is too late."""
        return self.added_at + WINDOW


@dataclass(frozen=True, slots=True)
class Scheduled:
    """What becomes of the license at the end of its term."""

    sku: str
    quantity: int
    billing_frequency: BillingFrequency


@dataclass(frozen=True, slots=True, kw_only=True)
class License:
    """What has a default is so at the start of every license."""

    id: UUID
    tenant_id: UUID
    sku: str
    site_size: str | None
    max_devices: int | None
    status: Status
    is_trial: bool
    """Of a trial product; stays true when it expires, ends when it is converted."""
    auto_renew: bool
    billing_frequency: BillingFrequency | None
    """Null for a trial, like the price."""
    purchased_at: datetime
    term_start: datetime
    term_end: datetime
    trial_extended: bool = False
    expiring_told: bool = False
    """Whether the end of this term has been announced."""
    cancelled: bool = False
    grace_ends_at: datetime | None = None
    disabled_ends_at: datetime | None = None
    scheduled: Scheduled | None = None
    unit_price: int | None
    """One charge for one license, in minor units; the price of the day it was bought, until renewal."""
    currency: str | None
    order_number: str
    batches: tuple[Batch, ...]
    """Oldest first."""
    next_charge_at: datetime | None = None
    """When the next month is charged; null where nothing more is in this term."""
    changed_at: datetime
    """When it became what it is."""
    version: int = 1
    assigned: int = 0
    """Sites that use it, as far as licensing has heard; no part of what a version is."""
    assigned_as_of: datetime | None = None
    """How fresh `assigned` is; None as long as nothing was heard."""

    @property
    def quantity(self) -> int:
        return sum(batch.quantity for batch in self.batches)

    @property
    def days(self) -> int:
        """The length of the term in whole UTC days, the day of the start included."""
        return days_between(self.term_start, self.term_end)

    @property
    def cancellable_until(self) -> datetime | None:
        """The end of the cancellation window, itself too late; null for a trial, which has none (B17)."""
        return None if self.is_trial else self.term_start + WINDOW

    @property
    def price(self) -> tuple[int, str]:
        """Unit price and currency of a license that was bought. Raises ValueError for a trial."""
        if self.unit_price is None or self.currency is None:
            raise ValueError(f"license {self.id} is a trial and has no price")
        return self.unit_price, self.currency

    @property
    def ends_with_term(self) -> bool:
        """Whether nothing follows the running term."""
        return not self.auto_renew and self.scheduled is None

    @property
    def next_due_at(self) -> datetime | None:
        """When time by itself changes something next; null where it never will."""
        if self.status in {"trial", "active"}:
            due = [self.term_end]
            if self.next_charge_at is not None:
                due.append(self.next_charge_at)
            if self.ends_with_term and not self.expiring_told:
                due.append(max(self.term_end - EXPIRING_BEFORE, self.changed_at))
            return min(due)
        return self.grace_ends_at if self.status == "expired" else self.disabled_ends_at

    def open_batches(self, now: datetime) -> tuple[Batch, ...]:
        """The batches that can still be taken back at `now`, oldest first."""
        if self.status != "active":
            return ()
        return tuple(batch for batch in self.batches if now < batch.reducible_until)

    def month_at(self, now: datetime) -> tuple[datetime, datetime]:
        """The billing month in which `now` lies, as [from, to)."""
        return billing_month(self.term_start, now)

    def next(self, at: datetime, **changes: Any) -> Self:
        """The license after a change made at `at`, one version on."""
        return replace(self, version=self.version + 1, changed_at=at, **changes)
