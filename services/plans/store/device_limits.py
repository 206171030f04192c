"""How many devices there are, next to how many there may be without a warning."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, func, select

from services.plans.domain.device_limit import Commitment, SiteLimit
from services.plans.store.device_counts import COUNT
from services.plans.store.tables import device_counts, plans, sites
from shared.db.database import Session
from shared.db.statement import Statement

_LEGACY: Final = Statement(
    select(plans.c.legacy).where(
        plans.c.tenant_id == bindparam("tenant"), plans.c.subscription_id == bindparam("subscription")
    )
)
_COUNTS: Final = (
    select(device_counts.c.site_id, COUNT.label("devices"))
    .where(
        device_counts.c.tenant_id == bindparam("tenant"),
        device_counts.c.subscription_id == bindparam("subscription"),
        device_counts.c.site_id.is_not(None),
    )
    .cte("counts")
)
_SITES: Final = Statement(
    select(
        sites.c.id,
        sites.c.name,
        sites.c.coverage,
        sites.c.site_size,
        sites.c.max_devices,
        func.coalesce(_COUNTS.c.devices, 0).label("devices"),
    )
    .select_from(sites.outerjoin(_COUNTS, _COUNTS.c.site_id == sites.c.id))
    .where(
        sites.c.tenant_id == bindparam("tenant"),
        sites.c.subscription_id == bindparam("subscription"),
        sites.c.id == cast(bindparam("sites"), ARRAY(Uuid)).any_(),
    )
)
_PLAN: Final = Statement(
    select(
        plans.c.status,
        plans.c.legacy,
        plans.c.committed_devices,
        select(func.coalesce(func.sum(_COUNTS.c.devices), 0)).scalar_subquery().label("devices"),
    ).where(plans.c.tenant_id == bindparam("tenant"), plans.c.subscription_id == bindparam("subscription"))
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is to be watched of a subscription."""

    commitment: Commitment
    sites: tuple[SiteLimit, ...]


async def is_legacy(session: Session, subscription_id: UUID) -> bool:
    """Whether the devices of all sites count together, against the plan's commitment."""
    row = await session.row(_LEGACY, tenant=session.tenant_id, subscription=subscription_id)
    return row is not None and row["legacy"]


async def of(session: Session, subscription_id: UUID, site_ids: Collection[UUID], *, now: datetime) -> Limits:
    """The plan, and these of its sites, with their devices at `now`; a deleted site has no limit."""
    asked = {"tenant": session.tenant_id, "subscription": subscription_id, "now": now}
    plan = await session.row(_PLAN, **asked)
    found = await session.rows(_SITES, **asked, sites=list(site_ids))
    is_on = plan is not None and plan["status"] != "cancelled"
    committed = plan["committed_devices"] if plan is not None and is_on and plan["legacy"] else None
    sized = is_on and not (plan is not None and plan["legacy"])
    return Limits(
        Commitment(subscription_id, committed, 0 if plan is None else int(plan["devices"])),
        tuple(
            SiteLimit(
                site_id=row["id"],
                subscription_id=subscription_id,
                name=row["name"],
                site_size=row["site_size"],
                max_devices=row["max_devices"] if sized and row["coverage"] != "deleted" else None,
                devices=row["devices"],
            )
            for row in found
        ),
    )
