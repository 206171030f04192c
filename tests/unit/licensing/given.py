"""Which products and licenses do the rules of licensing get in these tests?"""

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from services.licensing.domain.catalog import BillingFrequency, Price, Product
from services.licensing.domain.change import Change
from services.licensing.domain.credit import take_back
from services.licensing.domain.license import Batch, License
from services.licensing.domain.passing import until
from services.licensing.domain.purchase import purchase
from services.licensing.domain.trial import start_trial

LICENSE_ID: Final = UUID("019ca8a9-3d40-7000-8000-00000000abcd")
BUYER: Final = frozenset({"BillingAdministrator"})
"""The directory roles of who may do anything with a license."""
TENANT_ID: Final = UUID("5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11")


def a_product(*, annual: int = 175_000, monthly: int = 15_313) -> Product:
    """A large site for a year; prices in cents."""
    prices = (Price("annual", annual, "USD"), Price("monthly", monthly, "USD"))
    return Product("OT_SITE_L", "OT site license, large", "L", 1000, "P1Y", trial=False, prices=prices)


def a_small_product() -> Product:
    """A small site for a year."""
    prices = (Price("annual", 75_000, "USD"), Price("monthly", 6_563, "USD"))
    return Product("OT_SITE_S", "OT site license, small", "S", 250, "P1Y", trial=False, prices=prices)


def a_license(
    *,
    bought: datetime,
    quantity: int = 1,
    billing_frequency: BillingFrequency = "annual",
    auto_renew: bool = True,
    product: Product | None = None,
) -> License:
    """Just bought, of the large size unless a product is given."""
    return purchase(
        product or a_product(),
        quantity=quantity,
        billing_frequency=billing_frequency,
        auto_renew=auto_renew,
        license_id=LICENSE_ID,
        tenant_id=TENANT_ID,
        now=bought,
    ).license


def a_trial(*, started: datetime) -> License:
    """Just started."""
    product = Product("OT_SITE_TRIAL_L", "Trial", "L", 1000, "P60D", trial=True, prices=())
    return start_trial(product, license_id=LICENSE_ID, tenant_id=TENANT_ID, now=started).license


def passed(license: License, now: datetime, *products: Product) -> list[Change]:
    """All that time does to the license by `now`, where these are sold, by default large sites alone."""
    sold = {product.sku: product for product in products or [a_product()]}
    return list(until(license, now, lambda _: sold))


def made(change: Change | None) -> License:
    """The license after a change that has to be one."""
    assert change is not None
    return change.license


def with_batch(license: License, batch: Batch) -> License:
    """The license after more of it were added."""
    return replace(license, batches=(*license.batches, batch), version=license.version + 1)


def refunded(change: Change) -> int:
    """What the change gives back, in cents."""
    return -sum(line.amount for line in change.lines)


def refund(license: License, *, on: datetime) -> int:
    """What all of the license would get back on a day, whether or not a window is open."""
    return -sum(
        take_back(license, batch, batch.quantity, now=on, text="all", rule="B17")[1].amount
        for batch in license.batches
    )
