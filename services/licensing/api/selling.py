"""What an order may name: a product that is sold, with what that product takes. Anything else is bad input."""

from datetime import datetime

from services.licensing.api.shapes import PurchaseIn
from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.errors import ProductNotFound
from services.licensing.domain.license import License
from services.licensing.store.catalog import Catalog
from shared.http import problems
from shared.http.problems import Refused


def product_to_buy(
    catalog: Catalog, order: PurchaseIn, *, at: datetime
) -> tuple[Product, BillingFrequency | None]:
    """The product and how it is billed; None for a trial, which is not. Raises Refused (422)."""
    product = _product(catalog, order.sku, pointer="/sku", at=at)
    if not product.trial:
        if order.billing_frequency is None:
            raise _bad("/billing_frequency", "This product needs annual or monthly.")
        return product, order.billing_frequency
    if order.quantity != 1:
        raise _bad("/quantity", "A trial is for one site.")
    if order.billing_frequency is not None:
        raise _bad("/billing_frequency", "A trial is not billed.")
    if "auto_renew" in order.model_fields_set:
        raise _bad("/auto_renew", "A trial is not renewed.")
    return product, None


def paid_product(catalog: Catalog, sku: str, *, like: License, pointer: str, at: datetime) -> Product:
    """A product that a license can turn into: no trial, and for sites if the license is. Raises Refused (422)."""
    product = _product(catalog, sku, pointer=pointer, at=at)
    if product.trial:
        raise _bad(pointer, "A trial cannot be the target.")
    if (product.site_size is None) != (like.site_size is None):
        raise _bad(pointer, f"A license of {like.sku} cannot become one of {sku}.")
    return product


def _product(catalog: Catalog, sku: str, *, pointer: str, at: datetime) -> Product:
    try:
        return catalog.product(sku, at=at)
    except ProductNotFound as error:
        raise _bad(pointer, str(error)) from error


def _bad(pointer: str, detail: str) -> Refused:
    return Refused(problems.invalid_request([{"pointer": pointer, "detail": detail}]))
