"""Does a license look as the contract says, field by field?"""

from typing import Any

from services.licensing.api.shapes import CancellationOut, LicenseOut, ProductOut
from services.licensing.domain.cancellation import cancel
from tests.unit.licensing.given import BUYER, a_license, a_product
from tests.unit.times import at

BOUGHT = at("2026-03-01T09:30:00")
THREE: dict[str, Any] = {
    "id": "019ca8a9-3d40-7000-8000-00000000abcd",
    "sku": "OT_SITE_L",
    "site_size": "L",
    "max_devices": 1000,
    "quantity": 3,
    "assigned": 0,
    "assigned_as_of": None,
    "status": "active",
    "auto_renew": True,
    "billing_frequency": "annual",
    "purchased_at": "2026-03-01T09:30:00Z",
    "term_start": "2026-03-01T09:30:00Z",
    "term_end": "2027-03-01T00:00:00Z",
    "cancellable_until": "2026-03-08T09:30:00Z",
    "trial_extended": False,
    "grace_ends_at": None,
    "disabled_ends_at": None,
    "scheduled_change": None,
    "reducible": [{"quantity": 3, "until": "2026-03-08T09:30:00Z"}],
    "price": {
        "unit": {"amount": "1750.00", "currency": "USD"},
        "total": {"amount": "5250.00", "currency": "USD"},
    },
    "order": {"number": "20260301-00000000ABCD", "confirmed_at": "2026-03-01T09:30:00Z"},
    "version": 1,
}


def test_a_license_has_every_field_of_the_contract_and_null_where_one_does_not_apply() -> None:
    shown = LicenseOut.of(a_license(bought=BOUGHT, quantity=3), now=BOUGHT, held=BUYER).model_dump(
        mode="json"
    )
    assert shown.pop("allowed_actions")
    assert shown == THREE


def test_a_cancel_answers_with_the_license_as_it_is_then_and_the_refund() -> None:
    license = a_license(bought=BOUGHT, quantity=3)
    done = cancel(license, now=at("2026-03-03T10:00:00"))
    shown = CancellationOut.of(done, now=at("2026-03-03T10:00:00"), held=BUYER).model_dump(mode="json")
    assert shown["refund"] == {"amount": "5206.85", "currency": "USD"}  # 5,250.00 x 362/365 = 5,206.8493
    assert shown["license"].pop("allowed_actions")
    assert shown["license"] == THREE | {
        "status": "disabled",
        "auto_renew": False,
        "disabled_ends_at": "2026-06-01T10:00:00Z",
        "reducible": [],
        "version": 2,
    }


def test_a_product_has_a_price_for_each_way_of_billing() -> None:
    assert ProductOut.of(a_product()).model_dump(mode="json") == {
        "sku": "OT_SITE_L",
        "name": "OT site license, large",
        "site_size": "L",
        "max_devices": 1000,
        "trial": False,
        "term": "P1Y",
        "prices": [
            {"billing_frequency": "annual", "unit": {"amount": "1750.00", "currency": "USD"}},
            {"billing_frequency": "monthly", "unit": {"amount": "153.13", "currency": "USD"}},
        ],
    }
