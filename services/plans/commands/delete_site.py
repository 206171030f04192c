"""The order of work of deleting a site, or all of them."""

from datetime import datetime
from uuid import UUID

from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.entitle import entitle
from services.plans.commands.forget_devices import forget_devices
from services.plans.commands.record_site import record_site
from services.plans.domain.site import Site
from services.plans.store import device_counts, holdings, sites
from shared.db.database import Session


async def delete_site(session: Session, site: Site, *, by: str, now: datetime) -> None:
    """Delete the site, which the session has locked; its license goes to the oldest site that has none."""
    await _delete(session, site.subscription_id, [site], by=by, at=now)
    known = (await holdings.lock(session, [site.tenant_id]))[site.tenant_id]
    await entitle(
        session,
        site.tenant_id,
        known.holdings,
        at=now,
        by=by,
        reason=f"site/{site.subscription_id}/{site.name}",
    )


async def delete_all_sites(session: Session, subscription_id: UUID, *, by: str, at: datetime) -> None:
    """Delete all sites of a subscription, as a plan's end does; who else gets their licenses is not decided here."""
    await _delete(
        session, subscription_id, await sites.of_subscription(session, subscription_id), by=by, at=at
    )


async def _delete(
    session: Session, subscription_id: UUID, gone: list[Site], *, by: str, at: datetime
) -> None:
    site_ids = [site.id for site in gone]
    counts = await device_counts.of_sites(session, site_ids, now=at)
    for site in gone:
        record_site(session, site, site.deleted(), devices=counts.get(site.id, 0), by=by, at=at)
    await forget_devices(session, site_ids)
    await settle_count_notices(session, subscription_id, site_ids, at=at)
    await session.flush()
