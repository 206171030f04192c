"""What sites may do now, for any number of them in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, and_, bindparam, cast, column, func, select

from services.plans.domain.entitlement import Entitlement, entitlement
from services.plans.domain.site import name_key
from services.plans.store.device_counts import COUNT
from services.plans.store.tables import device_counts, plans, role_assignments, sites
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.db.tables import tenants
from shared.identity import Principal

_DEVICES: Final = (
    select(COUNT).where(device_counts.c.site_id == sites.c.id).correlate(sites).scalar_subquery()
)
_SITE: Final = (
    sites.c.name,
    sites.c.coverage,
    sites.c.site_size,
    sites.c.max_devices,
    sites.c.license_id,
    func.coalesce(_DEVICES, 0).label("devices"),
)
_OF_SUBSCRIPTION: Final = Statement(
    select(*_SITE)
    .where(
        sites.c.tenant_id == bindparam("tenant"),
        sites.c.subscription_id == bindparam("subscription"),
        sites.c.coverage != "deleted",
    )
    .order_by(sites.c.name_key)
)
_ASKED: Final = (
    func.unnest(cast(bindparam("subscriptions"), ARRAY(Uuid)), cast(bindparam("names"), ARRAY(Text)))
    .table_valued(
        column("subscription_id", Uuid),
        column("name_key", Text),
        with_ordinality="place",
        name="asked",
    )
    .render_derived()
)
_CHECK: Final = Statement(
    select(
        _ASKED.c.place,
        role_assignments.c.role,
        plans.c.status,
        plans.c.legacy,
        *_SITE,
        select(tenants.c.heard_until)
        .where(tenants.c.tenant_id == bindparam("tenant"))
        .scalar_subquery()
        .label("as_of"),
    )
    .select_from(_ASKED)
    .outerjoin(
        role_assignments,
        and_(
            role_assignments.c.subscription_id == _ASKED.c.subscription_id,
            role_assignments.c.principal == bindparam("principal"),
        ),
    )
    .outerjoin(
        plans,
        and_(plans.c.subscription_id == _ASKED.c.subscription_id, plans.c.tenant_id == bindparam("tenant")),
    )
    .outerjoin(
        sites,
        and_(
            sites.c.subscription_id == _ASKED.c.subscription_id,
            sites.c.name_key == _ASKED.c.name_key,
            sites.c.tenant_id == bindparam("tenant"),
            sites.c.coverage != "deleted",
        ),
    )
    .order_by(cast(_ASKED.c.place, Integer))
)


@dataclass(frozen=True, slots=True)
class Checked:
    entitlement: Entitlement
    as_of: datetime | None
    """How fresh the licenses behind it are; None where none are behind it."""


async def of_subscription(
    session: Session, subscription_id: UUID, *, now: datetime
) -> dict[str, Entitlement]:
    """What each site of a subscription with a plan may do, by its name and in that order."""
    rows = await session.rows(
        _OF_SUBSCRIPTION, tenant=session.tenant_id, subscription=subscription_id, now=now
    )
    return {row["name"]: _of_site(row) for row in rows}


async def check(
    session: Session, asked: Sequence[tuple[UUID, str]], *, seen_by: Principal, now: datetime
) -> list[Checked]:
    """What each site (its subscription and its name) may do, in the order asked."""
    rows = await session.rows(
        _CHECK,
        tenant=session.tenant_id,
        principal=seen_by.id,
        subscriptions=[subscription for subscription, _ in asked],
        names=[name_key(name) for _, name in asked],
        now=now,
    )
    return [_checked(row) for row in rows]


def _checked(row: Record) -> Checked:
    if row["role"] is None:
        return Checked(Entitlement("NOT_FOUND"), None)
    # A legacy plan is paid for by itself, and known as it is now.
    as_of = None if row["legacy"] else row["as_of"]
    if row["status"] is None or row["status"] == "cancelled":
        return Checked(Entitlement("NO_PLAN"), as_of)
    if row["coverage"] is None:
        return Checked(Entitlement("NOT_FOUND"), as_of)
    return Checked(_of_site(row), as_of)


def _of_site(row: Record) -> Entitlement:
    return entitlement(
        row["coverage"],
        site_size=row["site_size"],
        max_devices=row["max_devices"],
        detected_devices=row["devices"],
        license_id=row["license_id"],
    )
