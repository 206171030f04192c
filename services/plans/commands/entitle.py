"""The order of work of giving a tenant's sites the licenses that cover them, after anything that may change it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.plans.commands.allot import allot
from services.plans.commands.record_site import record_site
from services.plans.commands.settle_service_notices import settle_plan_notices
from services.plans.domain.allocation import Allotted
from services.plans.domain.holdings import Holdings
from services.plans.domain.site import Site
from services.plans.store import audit, device_counts, sites
from shared.db.database import Session


async def entitle(
    session: Session,
    tenant_id: UUID,
    held: Holdings,
    *,
    at: datetime,
    by: str = audit.ACTOR,
    reason: str | None = None,
) -> None:
    """Let every site of the tenant that needs a license have what the licenses give it as of `at` (aware UTC).

    Its plans' notices follow. The session has to hold the tenant's lock.
    """
    before = await sites.following(session, tenant_id)
    allotted = await allot(session, tenant_id, before, held, at=at)
    after = [cover(site, allotted[site.id]) for site in before]
    await record_covered(session, before, after, at=at, by=by, reason=reason)
    await settle_plan_notices(session, tenant_id, held, after, at=at)


def cover(site: Site, allotted: Allotted) -> Site:
    """The site as its allotment makes it, with its next version where that can be seen."""
    covered = replace(
        site,
        coverage=allotted.coverage,
        license_id=allotted.license_id,
        max_devices=allotted.max_devices or site.max_devices,
    )
    if covered.entitled == site.entitled and covered.license_id == site.license_id:
        return covered
    return replace(covered, version=site.version + 1)


async def record_covered(
    session: Session,
    before: Sequence[Site],
    after: Sequence[Site],
    *,
    at: datetime,
    by: str,
    reason: str | None = None,
) -> None:
    """Write what has changed; what nobody sees but in a code of its entitlement makes no event."""
    changed = [(was, now) for was, now in zip(before, after, strict=True) if was != now]
    if not changed:
        return
    counts = await device_counts.of_sites(
        session, [site.id for site, _ in changed], now=at, tenant_id=changed[0][0].tenant_id
    )
    for was, now in changed:
        if was.version == now.version:
            sites.save(session, now)
        else:
            record_site(session, was, now, devices=counts.get(was.id, 0), by=by, at=at, reason=reason)
