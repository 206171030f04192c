"""Which product at which price is sold at a moment?"""

import pytest

from services.licensing.domain.errors import ProductNotFound
from services.licensing.store.catalog import Catalog
from tests.unit.licensing.given import a_product
from tests.unit.times import at

DEARER_FROM = at("2026-07-01")
CATALOG = Catalog([(at("2023-06-01"), a_product()), (DEARER_FROM, a_product(annual=180_000))])


@pytest.mark.parametrize(
    ("now", "unit"),
    [
        ("2023-06-01T00:00:00", 175_000),
        ("2026-06-30T23:59:59.999999", 175_000),
        ("2026-07-01T00:00:00", 180_000),
        ("2030-01-01T00:00:00", 180_000),
    ],
)
def test_the_price_is_that_of_the_day(now: str, unit: int) -> None:
    assert CATALOG.product("OT_SITE_L", at=at(now)).price("annual").unit == unit


def test_nothing_is_sold_before_its_first_day() -> None:
    assert CATALOG.at(at("2023-05-31T23:59:59")) == {}
    with pytest.raises(ProductNotFound):
        CATALOG.product("OT_SITE_L", at=at("2023-05-31T23:59:59"))


@pytest.mark.parametrize("sku", ["", "ot_site_l", "OT_SITE_L ", "OT_SITE_2XL", "OT_SITE_L\x00"])
def test_a_sku_is_taken_to_the_letter(sku: str) -> None:
    with pytest.raises(ProductNotFound):
        CATALOG.product(sku, at=DEARER_FROM)


def test_a_product_has_a_price_for_each_way_of_billing() -> None:
    assert (a_product().price("annual").unit, a_product().price("monthly").unit) == (175_000, 15_313)
