"""The order of work of making a site."""

from dataclasses import replace
from datetime import datetime

from services.plans.commands.allot import allot_newly
from services.plans.commands.record_site import record_site
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.site import ENTERPRISE_NETWORK, Site, name_key
from services.plans.store import device_counts, holdings, sites
from shared.db.database import Session
from shared.ids import new_id


async def make_site(session: Session, plan: OtPlan, wanted: Site, *, by: str, now: datetime) -> Site:
    """Make the site, on the oldest license of its size that has room where the plan follows licenses.

    The session has to hold the tenant's lock and the plan's. Raises SiteSizeNotLicensed (B66, B67, B22).
    """
    old = await sites.lock(session, plan.subscription_id, wanted.name)
    made = wanted if old is None else replace(wanted, name=old.name, version=old.version + 1)
    if not plan.legacy and wanted.site_size is not None:
        known = (await holdings.lock(session, [plan.tenant_id]))[plan.tenant_id]
        others = await sites.of_size(session, plan.tenant_id, wanted.site_size)
        allotted = (await allot_newly(session, made, others, known.holdings, at=now))[made.id]
        made = replace(
            made,
            coverage=allotted.coverage,
            license_id=allotted.license_id,
            max_devices=allotted.max_devices,
        )
    record_site(session, old, made, devices=0, by=by, at=now)
    device_counts.begin(session, made)
    return made


def a_site(
    plan: OtPlan,
    name: str,
    *,
    display_name: str,
    site_size: str | None,
    tags: dict[str, str],
    owners: tuple[str, ...],
    zones: tuple[str, ...],
    now: datetime,
) -> Site:
    """What is to be made, with an id of its own."""
    return Site(
        id=new_id(),
        subscription_id=plan.subscription_id,
        tenant_id=plan.tenant_id,
        name=name,
        display_name=display_name,
        site_size=site_size,
        max_devices=None,
        tags=tags,
        owners=owners,
        zones=zones,
        created_at=now,
        sized_at=None if site_size is None else now,
        coverage="legacy",
        license_id=None,
        version=1,
    )


async def ensure_enterprise_network(session: Session, plan: OtPlan, *, by: str, now: datetime) -> Site:
    """The site to which all Enterprise IoT sensors belong (B76), made with the first of them; it takes no license."""
    known = await sites.lock(session, plan.subscription_id, name_key(ENTERPRISE_NETWORK))
    if known is not None and known.is_there:
        return known
    made = a_site(
        plan,
        ENTERPRISE_NETWORK,
        display_name=ENTERPRISE_NETWORK,
        site_size=None,
        tags={},
        owners=(),
        zones=("Default",),
        now=now,
    )
    made = replace(made, version=1 if known is None else known.version + 1)
    record_site(session, known, made, devices=0, by=by, at=now)
    device_counts.begin(session, made)
    return made
