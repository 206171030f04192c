"""Buying licenses (B1, B2, B8)."""

from datetime import datetime
from uuid import UUID

from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.change import Change
from services.licensing.domain.charge import start_term
from services.licensing.domain.license import Batch, License
from services.licensing.domain.term import year_after


def purchase(
    product: Product,
    *,
    quantity: int,
    billing_frequency: BillingFrequency,
    auto_renew: bool,
    license_id: UUID,
    tenant_id: UUID,
    now: datetime,
) -> Change:
    """A license that is charged and usable from `now` (aware UTC) on."""
    price = product.price(billing_frequency)
    bought = License(
        id=license_id,
        tenant_id=tenant_id,
        sku=product.sku,
        site_size=product.site_size,
        max_devices=product.max_devices,
        status="active",
        is_trial=False,
        auto_renew=auto_renew,
        billing_frequency=billing_frequency,
        purchased_at=now,
        term_start=now,
        term_end=year_after(now),
        unit_price=price.unit,
        currency=price.currency,
        order_number=order_number(license_id, now),
        batches=(Batch(quantity, now, charged=0),),
        changed_at=now,
    )
    charged, line = start_term(bought, text="purchase")
    return Change(charged, "purchased", now, (line,))


def order_number(license_id: UUID, now: datetime) -> str:
    """What a customer quotes: the day of the order, and the license's own random part."""
    return f"{now:%Y%m%d}-{license_id.hex[-12:].upper()}"
