"""What licensing's routes of products and licenses take and answer."""

from collections.abc import Collection
from datetime import datetime
from typing import Literal, Self

from pydantic import ConfigDict, Field, model_validator

from services.licensing.api.actions import actions_of
from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.change import Change
from services.licensing.domain.license import License
from services.licensing.events import state_of
from shared.events.state import LicenseState, LicenseStatus
from shared.events.wire import Money, Utc, WireModel
from shared.http.actions import AllowedAction
from shared.http.call import Input, Partial
from shared.http.pages import Paging

_MOST = 1_000_000


class PriceOut(WireModel):
    billing_frequency: BillingFrequency
    unit: Money


class ProductOut(WireModel):
    sku: str
    name: str
    site_size: str | None
    max_devices: int | None
    trial: bool
    term: str
    prices: list[PriceOut]

    @classmethod
    def of(cls, product: Product) -> Self:
        prices = [
            PriceOut(billing_frequency=price.billing_frequency, unit=Money.of(price.unit, price.currency))
            for price in product.prices
        ]
        return cls(
            sku=product.sku,
            name=product.name,
            site_size=product.site_size,
            max_devices=product.max_devices,
            trial=product.trial,
            term=product.term,
            prices=prices,
        )


class ProductSearch(Paging):
    search: str | None = None
    """Part of a SKU or name, whatever the case."""


class PurchaseIn(Input):
    """A trial takes `sku` and a quantity of 1 alone; anything else also needs `billing_frequency`."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sku": "OT_SITE_L", "quantity": 3, "billing_frequency": "annual", "auto_renew": True}
            ]
        }
    )

    sku: str = Field(max_length=64)
    quantity: int = Field(ge=1, le=_MOST)
    billing_frequency: BillingFrequency | None = None
    auto_renew: bool = True


class LicenseFilter(Paging):
    status: LicenseStatus | None = None
    """Deleted licenses are listed only if asked for."""
    sku: str | None = None


class RenewalIn(Input):
    """What the license is to be from its renewal on; a field not given stays as it is."""

    sku: str | None = Field(default=None, max_length=64)
    quantity: int | None = Field(default=None, ge=1, le=_MOST)
    billing_frequency: BillingFrequency | None = None


class LicensePatch(Partial):
    """Exactly one of the three."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"quantity": 5}]})

    auto_renew: bool | None = None
    quantity: int | None = Field(default=None, ge=1, le=_MOST)
    """The new total (B14)."""
    renewal: RenewalIn | None = None

    @model_validator(mode="after")
    def _one_change(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise ValueError("Send exactly one of auto_renew, quantity and renewal.")
        return self


class ConversionIn(Input):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"when": "at_end", "sku": "OT_SITE_M", "quantity": 2}]}
    )

    when: Literal["now", "at_end"]
    sku: str = Field(max_length=64)
    quantity: int = Field(ge=1, le=_MOST)
    billing_frequency: BillingFrequency = "annual"


class LicenseOut(LicenseState):
    """A license, and what may be done with it now."""

    allowed_actions: list[AllowedAction]

    @classmethod
    def of(cls, license: License, *, now: datetime, held: Collection[str]) -> Self:
        """For a caller who holds these directory roles."""
        state = state_of(license, now=now)
        actions = actions_of(license, assigned=state.assigned, now=now, held=held)
        return cls(**state.__dict__, allowed_actions=actions)


class CancellationOut(WireModel):
    license: LicenseOut
    refund: Money
    """The sum of the credit lines."""

    @classmethod
    def of(cls, cancellation: Change, *, now: datetime, held: Collection[str]) -> Self:
        ended = cancellation.license
        refund = -sum(line.amount for line in cancellation.lines)
        # A trial has no currency of its own, and nothing to refund.
        return cls(
            license=LicenseOut.of(ended, now=now, held=held),
            refund=Money.of(refund, ended.currency or "USD"),
        )


class SummaryItem(WireModel):
    """The licenses of one SKU, in Microsoft Graph's words."""

    sku: str
    enabled: int
    """In use, trials among them."""
    warning: int
    """Expired, in their grace."""
    suspended: int
    """Disabled after an expiry."""
    locked_out: int
    """Disabled after a cancel."""
    consumed: int
    """Assigned to sites."""
    next_lifecycle_at: Utc | None
    """When the first of them ends, renews, or goes on to its next state."""


class SummaryOut(WireModel):
    items: list[SummaryItem]
