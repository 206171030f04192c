"""What tenants hold, in PostgreSQL. Changing it takes the tenant's lock, and so does whoever derives a plan from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Text, Uuid, and_, bindparam, cast, column, func, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import insert

from services.plans.domain.holdings import Held, Holdings, LicensedSize
from services.plans.domain.service import GRACE
from services.plans.store.tables import held_licenses, holdings
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.db.tables import Moment, tenants

_FIELDS: Final = tuple(field.name for field in fields(Held))
_TENANTS: Final = cast(bindparam("tenants"), ARRAY(Uuid))
COLUMNS: Final = (
    tenants.c.tenant_id,
    tenants.c.heard_until,
    holdings.c.sizes,
    holdings.c.paid,
    holdings.c.trials,
    holdings.c.enterprise_iot,
    holdings.c.last_ended_at,
    holdings.c.due_at.label("service_due_at"),
)
"""What `known` reads of a row of `TENANTS_AND_HOLDINGS`."""
TENANTS_AND_HOLDINGS: Final = tenants.outerjoin(holdings, holdings.c.tenant_id == tenants.c.tenant_id)
_GET: Final = Statement(
    select(*COLUMNS).select_from(TENANTS_AND_HOLDINGS).where(tenants.c.tenant_id == _TENANTS.any_())
)
_IN_USE: Final = ("active", "trial")
_UNNESTED: Final = (
    func.unnest(_TENANTS).table_valued(column("tenant_id", Uuid), name="asked").render_derived()
)
_SETTLE: Final = Statement(
    insert(tenants)
    .from_select(["tenant_id"], select(_UNNESTED.c.tenant_id).order_by(_UNNESTED.c.tenant_id))
    .on_conflict_do_nothing()
    .returning(tenants.c.tenant_id)
)
_STATUSES: Final = (
    func.unnest(cast(bindparam("statuses"), ARRAY(Text)))
    .table_valued("status", name="asked")
    .render_derived()
)
_OF_TENANT: Final = held_licenses.c.tenant_id == bindparam("tenant")
_FITS: Final = (_OF_TENANT, held_licenses.c.site_size == bindparam("size"))
_GRACED: Final = and_(
    held_licenses.c.status == "disabled", held_licenses.c.ended_at > bindparam("graced", type_=Moment)
)
_OLDEST: Final = (
    select(held_licenses)
    .where(*_FITS, held_licenses.c.status == _STATUSES.c.status)
    .order_by(held_licenses.c.purchased_at, held_licenses.c.license_id)
    .limit(bindparam("most"))
    .lateral("oldest")
)
# Whoever has sites may have far more licenses in use than sites; of those that have ended lately there are few.
_OF_SIZE: Final = Statement(
    union_all(
        select(_OLDEST).select_from(_STATUSES.join(_OLDEST, true())),
        select(held_licenses).where(*_FITS, or_(held_licenses.c.status == "expired", _GRACED)),
    )
)
_FIRST_GRACED: Final = Statement(
    select(func.min(held_licenses.c.ended_at).label("ended_at")).where(
        _OF_TENANT, held_licenses.c.site_size.is_not(None), _GRACED
    )
)
_SITE_LICENSES_IN_USE: Final = Statement(
    select(held_licenses).where(
        _OF_TENANT,
        held_licenses.c.site_size.is_not(None),
        or_(*(held_licenses.c.status == status for status in _IN_USE)),
    )
)
_LIVING: Final = Statement(
    select(held_licenses)
    .where(_OF_TENANT, or_(*(held_licenses.c.status == status for status in (*_IN_USE, "expired"))))
    .order_by(held_licenses.c.purchased_at, held_licenses.c.license_id)
)
_HELD: Final = Statement(
    select(held_licenses).where(held_licenses.c.license_id == cast(bindparam("licenses"), ARRAY(Uuid)).any_())
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a tenant holds, and how fresh that is."""

    holdings: Holdings
    heard_until: datetime | None
    """Business time of the newest license event applied; null before the first."""
    due_at: datetime | None
    """When time changes something because of what it holds, or does not hold any more."""
    stored: bool
    """Whether the sum has a row yet."""


_NOTHING: Final = Known(Holdings(), None, None, stored=False)


async def of_tenant(session: Session) -> Known:
    """What the session's tenant holds."""
    row = await session.row(_GET, tenants=[session.tenant_id])
    return _NOTHING if row is None else known(row)


async def lock(session: Session, of: Collection[UUID]) -> dict[UUID, Known]:
    """What the tenants hold, each locked until the session ends, in one order for everybody."""
    return {row["tenant_id"]: known(row) for row in await locked(session, _GET, of)}


async def locked(session: Session, statement: Statement, of: Collection[UUID]) -> list[Record]:
    """The rows of a statement about `tenants`, read once these are locked; each of them has a row then.

    A statement that waits for a lock itself would have, of rows that it only joins to it, what was there before.
    """
    await session.lock_tenants(of)
    rows = await session.rows(statement, tenants=list(of))
    if missing := set(of) - {row["tenant_id"] for row in rows}:
        await session.rows(_SETTLE, tenants=list(missing))
        await session.lock_tenants(missing)
        rows = await session.rows(statement, tenants=list(of))
    return rows


async def held(session: Session, license_ids: Collection[UUID]) -> dict[UUID, Held]:
    """The licenses that are known of, by id."""
    rows = await session.rows(_HELD, licenses=list(license_ids))
    return {row["license_id"]: _held(row) for row in rows}


async def of_size(session: Session, tenant_id: UUID, size: str, *, most: int, at: datetime) -> list[Held]:
    """Licenses for sites of that size that may cover one at `at`; of those in use the oldest, `most` a status."""
    rows = await session.rows(
        _OF_SIZE, tenant=tenant_id, size=size, statuses=list(_IN_USE), most=most, graced=at - GRACE
    )
    return [_held(row) for row in rows]


async def next_end_of_grace(session: Session, tenant_id: UUID, *, after: datetime) -> datetime | None:
    """When the first site license that was cancelled is no longer counted as expired, later than `after`."""
    row = await session.row(_FIRST_GRACED, tenant=tenant_id, graced=after - GRACE)
    return None if row is None or row["ended_at"] is None else row["ended_at"] + GRACE


async def in_use(session: Session, tenant_id: UUID) -> list[Held]:
    """The tenant's site licenses that are in use."""
    return [_held(row) for row in await session.rows(_SITE_LICENSES_IN_USE, tenant=tenant_id)]


async def living(session: Session, tenant_id: UUID) -> list[Held]:
    """The tenant's licenses of all kinds that are in use or in their grace, oldest first."""
    return [_held(row) for row in await session.rows(_LIVING, tenant=tenant_id)]


def save_held(session: Session, tenant_id: UUID, held: Held, *, known: bool) -> None:
    write = session.writes.update if known else session.writes.insert
    write(held_licenses, **{name: getattr(held, name) for name in _FIELDS}, tenant_id=tenant_id)


def save(session: Session, tenant_id: UUID, now: Known) -> None:
    """Write what a tenant holds, which the session has locked."""
    write = session.writes.update if now.stored else session.writes.insert
    write(
        holdings,
        tenant_id=tenant_id,
        sizes=[size.as_json() for size in now.holdings.licensed_sites],
        paid=now.holdings.paid,
        trials=now.holdings.trials,
        enterprise_iot=now.holdings.enterprise_iot,
        last_ended_at=now.holdings.last_ended_at,
        due_at=now.due_at,
    )
    session.writes.update(tenants, tenant_id=tenant_id, heard_until=now.heard_until)


def expect(session: Session, tenant_id: UUID, due_at: datetime | None) -> None:
    """Say when time changes the tenant's service next; the session has locked the tenant."""
    session.writes.update(holdings, tenant_id=tenant_id, due_at=due_at)


def known(row: Record) -> Known:
    """What the tenant of a row with `COLUMNS` holds."""
    if row["sizes"] is None:
        return Known(Holdings(), row["heard_until"], None, stored=False)
    sizes: Mapping[str, LicensedSize] = {size["site_size"]: LicensedSize(**size) for size in row["sizes"]}
    summed = Holdings(sizes, row["paid"], row["trials"], row["enterprise_iot"], row["last_ended_at"])
    return Known(summed, row["heard_until"], row["service_due_at"], stored=True)


def _held(row: Record) -> Held:
    values: dict[str, Any] = dict(row)
    del values["tenant_id"]
    return Held(**values)
