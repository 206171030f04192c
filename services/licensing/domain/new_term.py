"""A license in a new term: after a renewal, a trial's conversion, a reactivation."""

from datetime import datetime

from services.licensing.domain.catalog import Product
from services.licensing.domain.charge import start_term
from services.licensing.domain.license import Batch, License, Scheduled
from services.licensing.domain.line import Line
from services.licensing.domain.term import year_after


def in_new_term(
    license: License, product: Product, terms: Scheduled, *, start: datetime, text: str
) -> tuple[License, Line]:
    """The license one version on, as `terms` say, from `start` on at the product's price, with a window anew."""
    price = product.price(terms.billing_frequency)
    renewed = license.next(
        start,
        sku=product.sku,
        site_size=product.site_size,
        max_devices=product.max_devices,
        status="active",
        is_trial=False,
        auto_renew=True,
        billing_frequency=terms.billing_frequency,
        term_start=start,
        term_end=year_after(start),
        expiring_told=False,
        scheduled=None,
        unit_price=price.unit,
        currency=price.currency,
        batches=(Batch(terms.quantity, start, charged=0),),
    )
    return start_term(renewed, text=text)
