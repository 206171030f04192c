"""Which notices follow from a tenant's licenses, plans and sites."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.plans.domain.holdings import Held, Holdings
from services.plans.domain.notice import Notice
from services.plans.domain.service import Service

EXPIRING_BEFORE: Final = timedelta(days=30)
"""How long before the end of a license that is not renewed its notice is due (B23)."""
ABOUT_PLANS: Final = frozenset({"UnlicensedSites", "ServiceInGrace", "ServiceStopped", "OrphanedPlan"})


def plan_resource(subscription_id: UUID) -> str:
    return f"plan/{subscription_id}"


def license_resource(license_id: UUID) -> str:
    return f"license/{license_id}"


def about_plans(
    subscriptions: Collection[UUID], unlicensed: Mapping[UUID, int], held: Holdings, running: Service
) -> list[Notice]:
    """On plans that follow licenses; `unlicensed` counts the sites without one, by subscription."""
    found: list[Notice] = []
    for subscription in subscriptions:
        resource, plan = plan_resource(subscription), f"/v1/subscriptions/{subscription}"

        def tell(
            code: str, text: str, link: str, *, resource: str = resource, of: UUID = subscription
        ) -> None:
            found.append(Notice(code, resource, of, text, link))

        if running.state == "grace":
            until = f"{running.stops_at:%Y-%m-%d %H:%M} UTC"
            tell(
                "ServiceInGrace", f"No site license is active; the service stops at {until}.", "/v1/licenses"
            )
        elif running.state != "running":
            tell("ServiceStopped", "The service has stopped, for no site license is active.", "/v1/licenses")
        if count := unlicensed.get(subscription, 0):
            tell("UnlicensedSites", f"Sites without a license for their size: {count}.", f"{plan}/sites")
        if not held.any_in_use:
            tell("OrphanedPlan", "The plan is on, and the tenant has no active site license.", f"{plan}/plan")
    return found


def about_license(held: Held, *, has_plan: bool, ends: bool, at: datetime) -> list[Notice]:
    """On one license; `ends`: nothing follows its term, `has_plan`: some plan of the tenant follows licenses."""
    if not held.in_use:
        return []
    resource, link = license_resource(held.license_id), f"/v1/licenses/{held.license_id}"
    found: list[Notice] = []
    if ends and held.term_end is not None and at >= held.term_end - EXPIRING_BEFORE:
        code, what = ("TrialEnding", "trial") if held.status == "trial" else ("LicenseExpiring", "license")
        text = f"The {what} {held.sku} ends at {held.term_end:%Y-%m-%d %H:%M} UTC and is not renewed."
        found.append(Notice(code, resource, None, text, link))
    if held.site_size is not None and not has_plan:
        text = f"No subscription of the tenant has a plan that uses {held.quantity} × {held.sku}."
        found.append(Notice("OrphanedLicense", resource, None, text, link))
    return found
