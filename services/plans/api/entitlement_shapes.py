"""What the routes of entitlements take and answer."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Self
from uuid import UUID

from pydantic import ConfigDict, Field

from services.plans.domain.entitlement import Code, Entitlement
from services.plans.store.entitlements import Checked
from shared.events.state import LicensedSites, PlanState, PricePlan, ServiceState
from shared.events.wire import Utc, WireModel
from shared.http.call import Input

_MOST: Final = 500


class EntitlementOut(WireModel):
    """What a site may do now, and on what that rests."""

    subscription_id: UUID
    site: str
    """Its name; in a check, as it was asked for."""
    entitled: bool
    code: Code
    site_size: str | None
    max_devices: int | None
    detected_devices: int
    license_id: UUID | None
    as_of: Utc
    """How fresh the licenses behind it are."""

    @classmethod
    def of(cls, found: Entitlement, *, subscription_id: UUID, site: str, as_of: datetime) -> Self:
        return cls(
            subscription_id=subscription_id,
            site=site,
            entitled=found.entitled,
            code=found.code,
            site_size=found.site_size,
            max_devices=found.max_devices,
            detected_devices=found.detected_devices,
            license_id=found.license_id,
            as_of=as_of,
        )


class EntitlementsOut(WireModel):
    """What a subscription may do now."""

    subscription_id: UUID
    service_state: ServiceState
    price_plan: PricePlan
    licensed_sites: list[LicensedSites]
    sites: list[EntitlementOut]
    as_of: Utc

    @classmethod
    def of(cls, state: PlanState, sites: list[EntitlementOut]) -> Self:
        return cls(
            subscription_id=state.subscription_id,
            service_state=state.service_state,
            price_plan=state.price_plan,
            licensed_sites=list(state.licensed_sites),
            sites=sites,
            as_of=state.as_of,
        )


class EntitlementCheckIn(Input):
    subscription_id: UUID
    site: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")


class EntitlementChecksIn(Input):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"checks": [{"subscription_id": "0b5f6c1e-0c1f-4d6e-9d7c-3f4a5b6c7d8e", "site": "Hall 1"}]}
            ]
        }
    )

    checks: list[EntitlementCheckIn] = Field(min_length=1, max_length=_MOST)


class EntitlementChecksOut(WireModel):
    results: list[EntitlementOut]
    """In the order asked."""

    @classmethod
    def of(cls, asked: Sequence[EntitlementCheckIn], found: Sequence[Checked]) -> Self:
        return cls(
            results=[
                EntitlementOut.of(
                    checked.entitlement,
                    subscription_id=one.subscription_id,
                    site=one.site,
                    as_of=checked.as_of,
                )
                for one, checked in zip(asked, found, strict=True)
            ]
        )
