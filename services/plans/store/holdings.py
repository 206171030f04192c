"""What tenants hold, in PostgreSQL. Changing it takes the tenant's lock, and so does whoever derives a plan from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import insert

from services.plans.domain.holdings import Held, Holdings, LicensedSize
from services.plans.store.tables import held_licenses, holdings
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.db.tables import tenants

_FIELDS: Final = tuple(field.name for field in fields(Held))
_TENANTS: Final = cast(bindparam("tenants"), ARRAY(Uuid))
_HOLDINGS: Final = (
    select(
        tenants.c.tenant_id,
        tenants.c.heard_until,
        holdings.c.sizes,
        holdings.c.paid,
        holdings.c.trials,
        holdings.c.enterprise_iot,
        holdings.c.last_ended_at,
    )
    .select_from(tenants.outerjoin(holdings, holdings.c.tenant_id == tenants.c.tenant_id))
    .where(tenants.c.tenant_id == _TENANTS.any_())
)
_GET: Final = Statement(_HOLDINGS)
_LOCK: Final = Statement(_HOLDINGS.order_by(tenants.c.tenant_id).with_for_update(of=tenants))
_UNNESTED: Final = (
    func.unnest(_TENANTS).table_valued(column("tenant_id", Uuid), name="asked").render_derived()
)
_SETTLE: Final = Statement(
    insert(tenants)
    .from_select(["tenant_id"], select(_UNNESTED.c.tenant_id).order_by(_UNNESTED.c.tenant_id))
    .on_conflict_do_nothing()
    .returning(tenants.c.tenant_id)
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
    stored: bool
    """Whether the sum has a row yet."""


_NOTHING: Final = Known(Holdings(), None, stored=False)


async def of_tenant(session: Session) -> Known:
    """What the session's tenant holds."""
    row = await session.row(_GET, tenants=[session.tenant_id])
    return _NOTHING if row is None else _known(row)


async def lock(session: Session, of: Collection[UUID]) -> dict[UUID, Known]:
    """What the tenants hold, each locked until the session ends, in one order for everybody."""
    rows = await session.rows(_LOCK, tenants=list(of))
    if len(rows) < len(of):
        await session.rows(_SETTLE, tenants=list(of))
        rows = await session.rows(_LOCK, tenants=list(of))
    return {row["tenant_id"]: _known(row) for row in rows}


async def held(session: Session, license_ids: Collection[UUID]) -> dict[UUID, Held]:
    """The licenses that are known of, by id."""
    rows = await session.rows(_HELD, licenses=list(license_ids))
    return {row["license_id"]: _held(row) for row in rows}


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
    )
    session.writes.update(tenants, tenant_id=tenant_id, heard_until=now.heard_until)


def _known(row: Record) -> Known:
    if row["sizes"] is None:
        return Known(Holdings(), row["heard_until"], stored=False)
    sizes: Mapping[str, LicensedSize] = {size["site_size"]: LicensedSize(**size) for size in row["sizes"]}
    summed = Holdings(sizes, row["paid"], row["trials"], row["enterprise_iot"], row["last_ended_at"])
    return Known(summed, row["heard_until"], stored=True)


def _held(row: Record) -> Held:
    values: dict[str, Any] = dict(row)
    del values["tenant_id"]
    return Held(**values)
