"""What does a purchase make, and what does it charge?"""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.licensing.domain.catalog import BillingFrequency
from services.licensing.domain.license import Batch
from services.licensing.domain.purchase import order_number
from tests.unit.licensing.given import LICENSE_ID, a_license, a_product
from tests.unit.licensing.test_term import starts
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:15")


@pytest.mark.parametrize(
    ("billing_frequency", "quantity", "charged"),
    [
        ("annual", 1, 175_000),  # the whole term at once: 1,750.00
        ("annual", 3, 525_000),
        ("monthly", 1, 15_313),  # its first month: 153.13
        ("monthly", 3, 45_939),
        ("annual", 1_000_000, 175_000_000_000),
    ],
)
def test_a_purchase_charges_one_unit_for_each_license(
    billing_frequency: BillingFrequency, quantity: int, charged: int
) -> None:
    bought = a_license(bought=BOUGHT, quantity=quantity, billing_frequency=billing_frequency)
    assert bought.batches == (Batch(quantity, BOUGHT, charged),)
    assert bought.quantity == quantity


def test_a_license_is_usable_from_the_moment_of_purchase_for_a_year() -> None:
    bought = a_license(bought=BOUGHT)
    assert bought.status == "active"
    assert bought.purchased_at == bought.term_start == BOUGHT
    assert bought.term_end == at("2027-03-01")
    assert bought.disabled_ends_at is None
    assert bought.version == 1


def test_a_license_takes_size_and_price_from_the_product_of_the_day() -> None:
    bought = a_license(bought=BOUGHT, product=a_product(annual=180_000))
    assert (bought.sku, bought.site_size, bought.max_devices) == ("OT_SITE_L", "L", 1000)
    assert (bought.unit_price, bought.currency) == (180_000, "USD")


@pytest.mark.parametrize("auto_renew", [True, False])
def test_auto_renew_is_as_asked(auto_renew: bool) -> None:  # noqa: FBT001 - a test's parameter
    assert a_license(bought=BOUGHT, auto_renew=auto_renew).auto_renew is auto_renew


@given(starts, st.integers(1, 10**6))
def test_the_window_closes_168_hours_later_to_the_microsecond(start: datetime, quantity: int) -> None:
    bought = a_license(bought=start, quantity=quantity)
    assert bought.cancellable_until == start + timedelta(hours=168)
    assert [batch.reducible_until for batch in bought.batches] == [bought.cancellable_until]
    assert bought.cancellable_until < bought.term_end


def test_an_order_number_is_the_day_of_the_order_and_the_license_s_random_part() -> None:
    assert a_license(bought=BOUGHT).order_number == "20260301-00000000ABCD"
    assert order_number(UUID("019ca8a9-3d40-7000-8000-0123456789ab"), BOUGHT) == "20260301-0123456789AB"


@given(st.uuids())
def test_an_order_number_can_be_dictated_on_the_phone(license_id: UUID) -> None:
    number = order_number(license_id, BOUGHT)
    assert len(number) == 21
    assert set(number) <= set("0123456789ABCDEF-")


def test_the_quantity_is_the_sum_of_the_batches() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    assert license.id == LICENSE_ID
    assert license.quantity == 3
