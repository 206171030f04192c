"""The OT plan that switches the service on for one subscription."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

from services.plans.domain.errors import (
    NoActiveLicense,
    PlanAlreadyExists,
    PlansError,
    TermsNotAccepted,
)
from services.plans.domain.holdings import Holdings, LicensedSize, PricePlan

TERMS_VERSION: Final = "2023-06-01"
TERMS_URL: Final = "https://siteward.dev/terms/2023-06-01"

Status = Literal["active"]


@dataclass(frozen=True, slots=True)
class OtPlan:
    subscription_id: UUID
    tenant_id: UUID
    status: Status
    price_plan: PricePlan
    """Derived from the tenant's licenses, never given (B29); as it last was where none is left."""
    licensed_sites: tuple[LicensedSize, ...]
    terms_version: str
    terms_accepted_at: datetime
    version: int

    def derived_from(self, holdings: Holdings) -> Self:
        """The plan as the licenses now make it, with no write of anybody's (B30); itself if nothing changed."""
        derived = replace(
            self,
            price_plan=holdings.price_plan or self.price_plan,
            licensed_sites=holdings.licensed_sites,
        )
        return self if derived == self else replace(derived, version=self.version + 1)


def blockers(existing: OtPlan | None, holdings: Holdings) -> list[PlansError]:
    """What stands against adding a plan; the preview shows it, and adding is refused by the first."""
    found: list[PlansError] = []
    if existing is not None:
        found.append(PlanAlreadyExists(existing.subscription_id))
    if not holdings.any_in_use:
        found.append(NoActiveLicense())
    return found


def add_plan(
    existing: OtPlan | None,
    holdings: Holdings,
    *,
    subscription_id: UUID,
    tenant_id: UUID,
    terms_accepted: bool,
    now: datetime,
) -> OtPlan:
    """The plan of a subscription, from `now` (aware UTC) on.

    Raises TermsNotAccepted (B32), PlanAlreadyExists (B35), NoActiveLicense.
    """
    if not terms_accepted:
        raise TermsNotAccepted(TERMS_URL)
    for reason in blockers(existing, holdings):
        raise reason
    if (price_plan := holdings.price_plan) is None:
        raise NoActiveLicense
    return OtPlan(
        subscription_id=subscription_id,
        tenant_id=tenant_id,
        status="active",
        price_plan=price_plan,
        licensed_sites=holdings.licensed_sites,
        terms_version=TERMS_VERSION,
        terms_accepted_at=now,
        version=1,
    )
