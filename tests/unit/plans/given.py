"""Which licenses and plans do the rules of plans get in these tests?"""

from datetime import datetime
from typing import Final
from uuid import UUID, uuid5

from services.plans.domain.holdings import Held, Holdings
from services.plans.domain.ot_plan import OtPlan, add_plan
from tests.unit.times import at

TENANT_ID: Final = UUID("5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11")
SUBSCRIPTION_ID: Final = UUID("8f1c2f7e-6c39-4b1a-8a27-0c5d2d9a7e42")
DEVICES: Final = {"XS": 100, "S": 250, "M": 500, "L": 1000, "XL": 5000}


def held(
    size: str | None,
    quantity: int = 1,
    status: str = "active",
    *,
    license_name: str = "one",
    ended_at: datetime | None = None,
    version: int = 1,
) -> Held:
    """A license for `quantity` sites of `size`; null: for Enterprise IoT devices."""
    return Held(
        license_id=uuid5(TENANT_ID, license_name),
        sku="EIOT_DEVICE" if size is None else f"OT_SITE_{size}",
        site_size=size,
        max_devices=None if size is None else DEVICES[size],
        quantity=quantity,
        status=status,
        purchased_at=at("2026-01-01T00:00:00"),
        term_end=at("2027-01-01T00:00:00"),
        ended_at=ended_at,
        version=version,
    )


def holding(*licenses: Held) -> Holdings:
    """What a tenant with these licenses holds."""
    summed = Holdings()
    for license in licenses:
        summed = summed.after(None, license)
    return summed


def a_plan(holdings: Holdings, *, now: datetime | None = None) -> OtPlan:
    return add_plan(
        None,
        holdings,
        subscription_id=SUBSCRIPTION_ID,
        tenant_id=TENANT_ID,
        now=now or at("2026-03-01T09:30:00"),
    )
