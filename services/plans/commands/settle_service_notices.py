"""The order of work of telling what a tenant's licenses mean for its plans, and its plans for its licenses."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.holdings import Holdings
from services.plans.domain.service import service
from services.plans.domain.service_notices import (
    ABOUT_PLANS,
    about_license,
    about_plans,
    license_resource,
    plan_resource,
)
from services.plans.domain.site import Site
from services.plans.store import holdings, ot_plans
from shared.db.database import Session


async def settle_plan_notices(
    session: Session, tenant_id: UUID, held: Holdings, sites: Iterable[Site], *, at: datetime
) -> None:
    """Make the notices on the tenant's plans what its licenses and sites ask for as of `at` (aware UTC)."""
    subscriptions = await ot_plans.following(session, tenant_id)
    unlicensed = Counter(site.subscription_id for site in sites if site.coverage == "unlicensed")
    await settle_notices(
        session,
        about=[plan_resource(subscription) for subscription in subscriptions],
        wanted=about_plans(subscriptions, unlicensed, held, service(held, now=at)),
        at=at,
        tenant_id=tenant_id,
        codes=ABOUT_PLANS,
    )


async def settle_orphans(session: Session, tenant_id: UUID, *, at: datetime) -> None:
    """Raise or clear what says that licenses have no plan to use them; for when a plan came or went."""
    licenses = await holdings.in_use(session, tenant_id)
    has_plan = bool(await ot_plans.following(session, tenant_id))
    await settle_notices(
        session,
        about=[license_resource(held.license_id) for held in licenses],
        wanted=[
            notice
            for held in licenses
            for notice in about_license(held, has_plan=has_plan, ends=False, at=at)
        ],
        at=at,
        tenant_id=tenant_id,
        codes={"OrphanedLicense"},
    )
