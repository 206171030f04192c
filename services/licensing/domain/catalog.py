"""What can be bought, and at what price."""

from dataclasses import dataclass
from typing import Literal

BillingFrequency = Literal["annual", "monthly"]


@dataclass(frozen=True, slots=True)
class Price:
    """One charge for one license: the whole term when billed annually, one month when monthly."""

    billing_frequency: BillingFrequency
    unit: int
    """In minor units of the currency."""
    currency: str
    """ISO 4217."""


@dataclass(frozen=True, slots=True)
class Product:
    """Licenses of one site size (B2, B4), or for single Enterprise IoT devices."""

    sku: str
    name: str
    site_size: str | None
    """Null where the product is not for sites."""
    max_devices: int | None
    term: str
    """ISO 8601 duration."""
    trial: bool
    """Free, once for each tenant (B11)."""
    prices: tuple[Price, ...]
    """Empty for a trial."""

    def price(self, billing_frequency: BillingFrequency) -> Price:
        return next(price for price in self.prices if price.billing_frequency == billing_frequency)
