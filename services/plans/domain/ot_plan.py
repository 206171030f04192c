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
from services.plans.domain.holdings import Holdings, LicensedSize

TERMS_VERSION: Final = "2023-06-01"
TERMS_URL: Final = "https://siteward.dev/terms/2023-06-01"

Status = Literal["active", "change_pending", "cancel_pending", "cancelled"]
PricePlan = Literal["microsoft_365", "trial", "monthly", "annual"]


@dataclass(frozen=True, slots=True)
class PlanTerms:
    """What a plan is priced by; of a plan that follows licenses, only the price plan."""

    price_plan: PricePlan
    committed_devices: int | None
    sites: int | None
    """Number of sites, of a legacy annual plan only."""


@dataclass(frozen=True, slots=True)
class Pending:
    """What was confirmed, and takes effect an hour later (B37, B56)."""

    kind: Literal["cancel", "edit"]
    requested_at: datetime
    effective_at: datetime
    to: PlanTerms | None
    """Null for a cancel."""
    operation_id: UUID
    requested_by: str


@dataclass(frozen=True, slots=True)
class OtPlan:
    subscription_id: UUID
    tenant_id: UUID
    status: Status
    legacy: bool
    """Priced by commitment, and following no licenses (B51)."""
    price_plan: PricePlan
    """Derived from the tenant's licenses unless legacy, never given (B29); as it last was where none is left."""
    licensed_sites: tuple[LicensedSize, ...]
    committed_devices: int | None
    sites: int | None
    trial_ends_at: datetime | None
    """When a legacy trial becomes monthly (B60)."""
    pending: Pending | None
    terms_version: str | None
    """Null for an imported plan, whose terms were accepted elsewhere."""
    terms_accepted_at: datetime | None
    added_at: datetime
    statement_month: datetime | None
    """Start of the oldest calendar month whose statement is not closed; null where none will be."""
    version: int

    @property
    def is_on(self) -> bool:
        """Whether the service is switched on; also while its end is pending."""
        return self.status != "cancelled"

    @property
    def terms(self) -> PlanTerms:
        return PlanTerms(self.price_plan, self.committed_devices, self.sites)

    @property
    def next_due_at(self) -> datetime | None:
        """When time changes the plan next; aware UTC."""
        moments = (self.trial_ends_at, None if self.pending is None else self.pending.effective_at)
        return min((moment for moment in moments if moment is not None), default=None)

    def derived_from(self, holdings: Holdings) -> Self:
        """The plan as the licenses now make it, with no write of anybody's (B30); itself if nothing changed."""
        derived = replace(
            self,
            price_plan=holdings.price_plan or self.price_plan,
            licensed_sites=holdings.licensed_sites,
        )
        return self if derived == self else replace(derived, version=self.version + 1)


def month_of(moment: datetime) -> datetime:
    """The start of its calendar month, UTC."""
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def blockers(existing: OtPlan | None, holdings: Holdings) -> list[PlansError]:
    """What stands against adding a plan; the preview shows it, and adding is refused by the first."""
    found: list[PlansError] = []
    if existing is not None and existing.is_on:
        found.append(PlanAlreadyExists(existing.subscription_id))
    if not holdings.any_in_use:
        found.append(NoActiveLicense())
    return found


def check_terms(*, accepted: bool) -> None:
    """Raises TermsNotAccepted (B32)."""
    if not accepted:
        raise TermsNotAccepted(TERMS_URL)


def add_plan(
    existing: OtPlan | None,
    holdings: Holdings,
    *,
    subscription_id: UUID,
    tenant_id: UUID,
    now: datetime,
) -> OtPlan:
    """The plan of a subscription, from `now` (aware UTC) on, once its terms were accepted.

    Raises PlanAlreadyExists (B35), NoActiveLicense.
    """
    for reason in blockers(existing, holdings):
        raise reason
    if (price_plan := holdings.price_plan) is None:
        raise NoActiveLicense
    return OtPlan(
        subscription_id=subscription_id,
        tenant_id=tenant_id,
        status="active",
        legacy=False,
        price_plan=price_plan,
        licensed_sites=holdings.licensed_sites,
        committed_devices=None,
        sites=None,
        trial_ends_at=None,
        pending=None,
        terms_version=TERMS_VERSION,
        terms_accepted_at=now,
        added_at=now,
        statement_month=(existing and existing.statement_month) or month_of(now),
        version=1 if existing is None else existing.version + 1,
    )
