"""What sites may do now, for any number of them in one query."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    column,
    func,
    select,
)

from services.plans.domain.entitlement import Entitlement, entitlement
from services.plans.domain.site import name_key
from services.plans.store.device_counts import count_at
from services.plans.store.tables import device_counts, plans, role_assignments, sites
from shared.clock import wall_clock
from shared.db.database import Database, Record, Session
from shared.db.statement import Statement
from shared.db.tables import Moment, tenants
from shared.gathering import Gathering
from shared.identity import Principal


def _site(now: ColumnElement[datetime]) -> tuple[ColumnElement[Any], ...]:
    devices = (
        select(count_at(now))
        .where(device_counts.c.site_id == sites.c.id)
        .correlate_except(device_counts)
        .scalar_subquery()
    )
    return (
        sites.c.name,
        sites.c.coverage,
        sites.c.site_size,
        sites.c.max_devices,
        sites.c.license_id,
        func.coalesce(devices, 0).label("devices"),
    )


_OF_SUBSCRIPTION: Final = Statement(
    select(*_site(bindparam("now", type_=Moment)))
    .where(
        sites.c.tenant_id == bindparam("tenant"),
        sites.c.subscription_id == bindparam("subscription"),
        sites.c.coverage != "deleted",
    )
    .order_by(sites.c.name_key)
)
_PLACES: Final = (
    column("tenant_id", Uuid),
    column("principal", Text),
    column("subscription_id", Uuid),
    column("name_key", Text),
)
_ASKED: Final = (
    func.unnest(*(cast(bindparam(one.name), ARRAY(one.type)) for one in _PLACES))
    .table_valued(*_PLACES, with_ordinality="place", name="asked")
    .render_derived()
)
_PRESENT: Final = func.coalesce(tenants.c.clock, bindparam("world", type_=Moment))
_CHECK: Final = Statement(
    select(
        role_assignments.c.role,
        plans.c.status,
        plans.c.legacy,
        tenants.c.heard_until,
        _PRESENT.label("now"),
        *_site(_PRESENT),
    )
    .select_from(_ASKED)
    .outerjoin(tenants, tenants.c.tenant_id == _ASKED.c.tenant_id)
    .outerjoin(
        role_assignments,
        and_(
            role_assignments.c.subscription_id == _ASKED.c.subscription_id,
            role_assignments.c.principal == _ASKED.c.principal,
            role_assignments.c.tenant_id == _ASKED.c.tenant_id,
        ),
    )
    .outerjoin(
        plans,
        and_(plans.c.subscription_id == _ASKED.c.subscription_id, plans.c.tenant_id == _ASKED.c.tenant_id),
    )
    .outerjoin(
        sites,
        and_(
            sites.c.subscription_id == _ASKED.c.subscription_id,
            sites.c.name_key == _ASKED.c.name_key,
            sites.c.tenant_id == _ASKED.c.tenant_id,
            sites.c.coverage != "deleted",
        ),
    )
    .order_by(cast(_ASKED.c.place, Integer))
)
_MOST: Final = 64
"""Callers that share a query."""
_SHARED: Final = 20
"""Sites up to which a check shares a query; a larger one would keep the others waiting."""


@dataclass(frozen=True, slots=True)
class Checked:
    entitlement: Entitlement
    as_of: datetime
    """How fresh the licenses behind it are; the tenant's present where none are behind it."""


@dataclass(frozen=True, slots=True)
class _Check:
    asked_by: Principal
    sites: Sequence[tuple[UUID, str]]


async def of_subscription(
    session: Session, subscription_id: UUID, *, now: datetime
) -> dict[str, Entitlement]:
    """What each site of a subscription with a plan may do, by its name and in that order."""
    rows = await session.rows(
        _OF_SUBSCRIPTION, tenant=session.tenant_id, subscription=subscription_id, now=now
    )
    return {row["name"]: _of_site(row) for row in rows}


class EntitlementChecks:
    """What sites may do, asked by many callers at once: those of few sites share a query, of whatever tenants."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering: Gathering[_Check, list[Checked]] = Gathering(self._together, most=_MOST)

    async def check(self, sites: Sequence[tuple[UUID, str]], *, seen_by: Principal) -> list[Checked]:
        """What each site (its subscription and its name) may do at the tenant's present, in the order asked."""
        check = _Check(seen_by, sites)
        if len(sites) <= _SHARED:
            return await self._gathering.do(check)
        return (await self._together([check]))[0]

    async def _together(self, checks: Sequence[_Check]) -> list[list[Checked]]:
        asked = [(check.asked_by, *site) for check in checks for site in check.sites]
        async with self._database.read(*{check.asked_by.tenant_id for check in checks}) as session:
            rows = await session.rows(
                _CHECK,
                tenant_id=[by.tenant_id for by, _, _ in asked],
                principal=[by.id for by, _, _ in asked],
                subscription_id=[subscription for _, subscription, _ in asked],
                name_key=[name_key(name) for _, _, name in asked],
                world=wall_clock(),
            )
        found = map(_checked, rows)
        return [list(islice(found, len(check.sites))) for check in checks]


def _checked(row: Record) -> Checked:
    # A legacy plan is paid for by itself, and known as it is now.
    as_of = row["now"] if row["legacy"] or row["role"] is None else row["heard_until"] or row["now"]
    if row["role"] is None:
        return Checked(Entitlement("NOT_FOUND"), as_of)
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
