"""What licensing's routes take and answer (api.md sections 3 and 8)."""

from datetime import datetime
from typing import Self

from pydantic import ConfigDict, Field

from services.licensing.domain import cancellation
from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.license import License
from services.licensing.events import state_of
from shared.events.state import LicenseState, LicenseStatus
from shared.events.wire import Money, WireModel
from shared.http.actions import AllowedAction, allowed
from shared.http.call import Input
from shared.http.pages import Paging


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
            trial=False,
            term=product.term,
            prices=prices,
        )


class ProductSearch(Paging):
    search: str | None = None
    """Part of a SKU or name, whatever the case."""


class PurchaseIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"sku": "OT_SITE_L", "quantity": 3, "billing_frequency": "annual", "auto_renew": True}
            ]
        }
    )

    sku: str = Field(max_length=64)
    quantity: int = Field(ge=1, le=1_000_000)
    billing_frequency: BillingFrequency
    auto_renew: bool = True


class LicenseFilter(Paging):
    status: LicenseStatus | None = None
    sku: str | None = None


class LicenseOut(LicenseState):
    """A license, and what may be done with it now."""

    allowed_actions: list[AllowedAction]

    @classmethod
    def of(cls, license: License, *, now: datetime) -> "LicenseOut":
        state = state_of(license, now=now)
        # The state is checked already; checking it once more would cost a tenth of a purchase.
        return cls.model_construct(**state.__dict__, allowed_actions=actions_of(license, now=now))


class CancellationOut(WireModel):
    license: LicenseOut
    refund: Money

    @classmethod
    def of(cls, done: cancellation.Cancellation, *, now: datetime) -> Self:
        return cls(
            license=LicenseOut.of(done.license, now=now),
            refund=Money.of(done.refund, done.license.currency),
        )


def actions_of(license: License, *, now: datetime) -> list[AllowedAction]:
    """Each action with the answer of the very rule that it runs."""
    return [allowed("cancel", cancellation.refusal(license, now=now), until=license.cancellable_until)]
