"""OT plans in PostgreSQL."""

from collections.abc import Collection
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, func, select

from services.plans.domain.errors import PlanNotFound
from services.plans.domain.holdings import LicensedSize
from services.plans.domain.ot_plan import OtPlan, Pending, PlanTerms
from services.plans.domain.subscription import Role
from services.plans.store import holdings
from services.plans.store.holdings import Known
from services.plans.store.tables import console_files, device_counts, plans, role_assignments, sites
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.db.tables import tenants
from shared.identity import Principal

_FIELDS: Final = tuple(field.name for field in fields(OtPlan))
_GET: Final = Statement(
    select(plans).where(
        plans.c.tenant_id == bindparam("tenant"), plans.c.subscription_id == bindparam("subscription")
    )
)
_LOCK: Final = Statement(
    select(plans)
    .where(plans.c.tenant_id == bindparam("tenant"), plans.c.subscription_id == bindparam("subscription"))
    .with_for_update()
)
_HAS_SITES: Final = (
    select(sites.c.id)
    .where(
        sites.c.tenant_id == plans.c.tenant_id,
        sites.c.subscription_id == plans.c.subscription_id,
        sites.c.coverage != "deleted",
        sites.c.coverage != "legacy",
    )
    .exists()
)
_HAS_DEVICES: Final = (
    select(device_counts.c.site_id)
    .where(
        device_counts.c.tenant_id == plans.c.tenant_id,
        device_counts.c.subscription_id == plans.c.subscription_id,
        device_counts.c.counted > 0,
    )
    .exists()
)
_HAS_FILES: Final = (
    select(console_files.c.id)
    .where(console_files.c.tenant_id == plans.c.tenant_id, console_files.c.superseded_at.is_(None))
    .exists()
)
_TENANTS: Final = cast(bindparam("tenants"), ARRAY(Uuid))
_LOCKED_PLANS: Final = (
    select(
        plans,
        _HAS_SITES.label("has_sites"),
        _HAS_DEVICES.label("has_devices"),
        _HAS_FILES.label("has_files"),
    )
    .where(plans.c.tenant_id == _TENANTS.any_(), plans.c.status != "cancelled", plans.c.legacy.is_(False))
    .order_by(plans.c.subscription_id)
    .with_for_update(of=plans)
    .cte("following")
)
_LOCK_FOLLOWING: Final = Statement(
    select(*holdings.COLUMNS, *(column for column in _LOCKED_PLANS.c if column.name != "tenant_id"))
    .select_from(
        holdings.TENANTS_AND_HOLDINGS.outerjoin(
            _LOCKED_PLANS, _LOCKED_PLANS.c.tenant_id == tenants.c.tenant_id
        )
    )
    .where(tenants.c.tenant_id == _TENANTS.any_())
    .order_by(_LOCKED_PLANS.c.subscription_id)
)
_FOLLOWING: Final = Statement(
    select(plans.c.subscription_id)
    .where(
        plans.c.tenant_id == bindparam("tenant"),
        plans.c.status != "cancelled",
        plans.c.legacy.is_(False),
    )
    .order_by(plans.c.subscription_id)
)
_EARLIEST: Final = select(func.min(plans.c.due_at).label("due_at")).where(
    plans.c.tenant_id == bindparam("tenant")
)
_NEXT_DUE: Final = Statement(_EARLIEST)
_LOCK_DUE: Final = Statement(
    select(plans)
    .where(plans.c.tenant_id == bindparam("tenant"), plans.c.due_at == bindparam("at"))
    .order_by(plans.c.subscription_id)
    .limit(bindparam("most"))
    .with_for_update()
)
_LIST: Final = Statement(
    select(plans, role_assignments.c.role)
    .join(role_assignments, role_assignments.c.subscription_id == plans.c.subscription_id)
    .where(
        plans.c.tenant_id == bindparam("tenant"),
        role_assignments.c.tenant_id == bindparam("tenant"),
        role_assignments.c.principal == bindparam("principal"),
        plans.c.subscription_id > bindparam("after"),
    )
    .order_by(plans.c.subscription_id)
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class Following:
    """A plan that follows its tenant's licenses, and what else does so with it; for most plans nothing."""

    plan: OtPlan
    has_sites: bool
    """On its subscription, such as need a license."""
    has_devices: bool
    """On its subscription, counted now or until lately."""
    has_files: bool
    """Of the tenant's consoles, in use."""


async def find(session: Session, subscription_id: UUID) -> OtPlan | None:
    row = await session.row(_GET, tenant=session.tenant_id, subscription=subscription_id)
    return None if row is None else _plan(row)


async def get(session: Session, subscription_id: UUID) -> OtPlan:
    """Raises PlanNotFound."""
    if (found := await find(session, subscription_id)) is None:
        raise PlanNotFound(subscription_id)
    return found


async def lock(session: Session, subscription_id: UUID) -> OtPlan | None:
    """The plan, held until the session ends."""
    row = await session.row(_LOCK, tenant=session.tenant_id, subscription=subscription_id)
    return None if row is None else _plan(row)


async def page(
    session: Session, *, seen_by: Principal, after: UUID | None, most: int
) -> list[tuple[OtPlan, Role]]:
    """The plans of the subscriptions on which the caller has a role, each with that role."""
    rows = await session.rows(
        _LIST, tenant=seen_by.tenant_id, principal=seen_by.id, after=after or UUID(int=0), most=most
    )
    return [(_plan(row), row["role"]) for row in rows]


async def following(session: Session, tenant_id: UUID) -> list[UUID]:
    """The subscriptions of the tenant whose plan follows its licenses."""
    return [row["subscription_id"] for row in await session.rows(_FOLLOWING, tenant=tenant_id)]


async def lock_following(session: Session, of: Collection[UUID]) -> tuple[dict[UUID, Known], list[Following]]:
    """What each of these tenants holds, and every plan that follows it; all of it held until the session ends."""
    rows = await holdings.locked(session, _LOCK_FOLLOWING, of)
    following = [
        Following(_plan(row), row["has_sites"], row["has_devices"], row["has_files"])
        for row in rows
        if row["subscription_id"] is not None
    ]
    return {row["tenant_id"]: holdings.known(row) for row in rows}, following


async def next_due(session: Session) -> datetime | None:
    """When time changes a plan of the tenant next."""
    row = await session.row(_NEXT_DUE, tenant=session.tenant_id)
    return None if row is None else row["due_at"]


async def lock_due(session: Session, at: datetime, *, most: int) -> list[OtPlan]:
    """The plans that time changes at that very moment, held until the session ends."""
    return [_plan(row) for row in await session.rows(_LOCK_DUE, tenant=session.tenant_id, at=at, most=most)]


def add(session: Session, plan: OtPlan) -> None:
    session.writes.insert(plans, **_values(plan))


def save(session: Session, plan: OtPlan) -> None:
    """Write the plan, which the session has locked, as it is now."""
    session.writes.update(plans, **_values(plan))


def _plan(row: Record) -> OtPlan:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["licensed_sites"] = tuple(LicensedSize(**size) for size in values["licensed_sites"])
    values["pending"] = values["pending"] and _pending(values["pending"])
    return OtPlan(**values)


def _pending(value: dict[str, Any]) -> Pending:
    return Pending(
        kind=value["kind"],
        requested_at=datetime.fromisoformat(value["requested_at"]),
        effective_at=datetime.fromisoformat(value["effective_at"]),
        to=value["to"] and PlanTerms(**value["to"]),
        operation_id=UUID(value["operation_id"]),
        requested_by=value["requested_by"],
    )


def _values(plan: OtPlan) -> dict[str, Any]:
    values = {name: getattr(plan, name) for name in _FIELDS}
    values["licensed_sites"] = [size.as_json() for size in plan.licensed_sites]
    values["pending"] = plan.pending and asdict(plan.pending)
    values["due_at"] = plan.next_due_at
    return values
