"""The order of work of changing a site."""

from dataclasses import replace
from datetime import datetime

from services.plans.commands.allot import allot_newly
from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.entitle import cover, record_covered
from services.plans.commands.record_site import record_site
from services.plans.commands.settle_service_notices import settle_plan_notices
from services.plans.domain.site import Site
from services.plans.store import device_counts, holdings, sites
from shared.db.database import Session


async def change_site(session: Session, site: Site, wanted: Site, *, by: str, now: datetime) -> Site:
    """Make the site, which the session has locked, what is wanted; what is so already changes nothing.

    Another size needs a license of that size with room (B69). Raises SiteSizeNotLicensed.
    """
    if wanted == site:
        return site
    if wanted.site_size != site.site_size:
        return await _resize(session, site, wanted, by=by, now=now)
    changed = replace(wanted, version=site.version + 1)
    counts = await device_counts.of_sites(session, [site.id], now=now)
    record_site(session, site, changed, devices=counts.get(site.id, 0), by=by, at=now)
    return changed


async def _resize(session: Session, site: Site, wanted: Site, *, by: str, now: datetime) -> Site:
    tenant = site.tenant_id
    known = (await holdings.lock(session, [tenant]))[tenant]
    before = await sites.following(session, tenant)
    resized = replace(wanted, sized_at=now, max_devices=None)
    allotted = await allot_newly(session, resized, before, known.holdings, at=now)
    resized = replace(cover(resized, allotted[site.id]), version=site.version + 1)
    after = [resized if one.id == site.id else cover(one, allotted[one.id]) for one in before]
    await record_covered(session, before, after, at=now, by=by)
    await settle_plan_notices(session, tenant, known.holdings, after, at=now)
    await settle_count_notices(session, site.subscription_id, [site.id], at=now)
    return resized
