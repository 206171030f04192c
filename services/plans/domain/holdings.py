"""What a tenant's licenses allow, kept as a running sum of the license events."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal, Self
from uuid import UUID

SIZES: Final = ("XS", "S", "M", "L", "XL")
"""From small to large."""

_IN_USE: Final = frozenset({"active", "trial"})
ENDED: Final = frozenset({"expired", "disabled", "deleted"})

PricePlan = Literal["microsoft_365", "trial"]


@dataclass(frozen=True, slots=True)
class Held:
    """One license as its newest event told of it."""

    license_id: UUID
    sku: str
    site_size: str | None
    max_devices: int | None
    quantity: int
    status: str
    purchased_at: datetime
    term_end: datetime | None
    """Null only for what was last heard of by a release that did not keep it."""
    ended_at: datetime | None
    """When it stopped being in use; null while it is."""
    version: int

    @property
    def allows_sites(self) -> bool:
        return self.site_size is not None and self.in_use

    @property
    def in_use(self) -> bool:
        return self.status in _IN_USE


@dataclass(frozen=True, slots=True)
class LicensedSize:
    """How many sites of one size may be."""

    site_size: str
    max_devices: int
    quantity: int

    def as_json(self) -> dict[str, str | int]:
        return {"site_size": self.site_size, "max_devices": self.max_devices, "quantity": self.quantity}


@dataclass(frozen=True, slots=True)
class Holdings:
    """The sum over a tenant's licenses; each event adds what changed, so that no event costs more than another."""

    sizes: Mapping[str, LicensedSize] = field(default_factory=lambda: MappingProxyType({}))
    paid: int = 0
    """Site licenses in use that are no trial."""
    trials: int = 0
    enterprise_iot: int = 0
    """Licenses in use that are for Enterprise IoT."""
    last_ended_at: datetime | None = None
    """When the last site license to end did so; the service's grace is counted from it (B24)."""

    @property
    def any_in_use(self) -> bool:
        return self.paid + self.trials > 0

    @property
    def price_plan(self) -> PricePlan | None:
        """What a plan that follows the licenses reads (B29); None where there is no license."""
        if self.paid:
            return "microsoft_365"
        return "trial" if self.trials else None

    @property
    def licensed_sites(self) -> tuple[LicensedSize, ...]:
        """Every size with its count, from small to large (B31)."""
        return tuple(self.sizes[size] for size in SIZES if size in self.sizes)

    def after(self, before: Held | None, now: Held) -> Self:
        """The sum once a license has gone from `before` (None: it is new) to `now`."""
        summed = self if before is None else self.plus(before, -1)
        summed = summed.plus(now, +1)
        if now.site_size is None or now.ended_at is None:
            return summed
        return replace(summed, last_ended_at=max(self.last_ended_at or now.ended_at, now.ended_at))

    def plus(self, held: Held, sign: Literal[1, -1]) -> Self:
        """With a license counted in, or out."""
        if not held.in_use:
            return self
        if held.site_size is None:
            return replace(self, enterprise_iot=self.enterprise_iot + sign)
        known = self.sizes.get(held.site_size)
        quantity = sign * held.quantity + (known.quantity if known else 0)
        sizes = {size: licensed for size, licensed in self.sizes.items() if size != held.site_size}
        if quantity:
            sizes[held.site_size] = LicensedSize(held.site_size, held.max_devices or 0, quantity)
        is_trial = held.status == "trial"
        return replace(
            self,
            sizes=MappingProxyType(sizes),
            paid=self.paid + (0 if is_trial else sign),
            trials=self.trials + (sign if is_trial else 0),
        )
