"""Licenses in PostgreSQL."""

from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, case, cast, func, or_, select

from services.licensing.domain.errors import LicenseNotFound
from services.licensing.domain.license import Batch, License, Scheduled
from services.licensing.store.tables import assignments, licenses
from shared.db.database import Record, Session
from shared.db.statement import Statement

_HEARD: Final = frozenset({"assigned", "assigned_as_of"})
"""What of a license is known from the events of others, and kept where they are applied."""
_FIELDS: Final = tuple(field.name for field in fields(License) if field.name not in _HEARD)
_ASSIGNED: Final = select(assignments).where(assignments.c.license_id == licenses.c.id)
_LICENSES: Final = select(
    licenses,
    func.coalesce(_ASSIGNED.with_only_columns(assignments.c.assigned).scalar_subquery(), 0).label("assigned"),
    _ASSIGNED.with_only_columns(assignments.c.as_of).scalar_subquery().label("assigned_as_of"),
)
_ONE: Final = _LICENSES.where(
    licenses.c.tenant_id == bindparam("tenant"), licenses.c.id == bindparam("license")
)
_GET: Final = Statement(_ONE)
_LOCK: Final = Statement(_ONE.with_for_update(of=licenses))


_EARLIER: Final = licenses.alias("earlier")
_EARLIEST: Final = select(func.min(_EARLIER.c.due_at).label("due_at")).where(
    _EARLIER.c.tenant_id == bindparam("tenant")
)
_NEXT_DUE: Final = Statement(_EARLIEST)
_LOCK_DUE: Final = Statement(
    _LICENSES.where(
        licenses.c.tenant_id == bindparam("tenant"),
        licenses.c.due_at == _EARLIEST.scalar_subquery(),
        licenses.c.due_at <= bindparam("now"),
    )
    .order_by(licenses.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=licenses)
)
_STATUS: Final = cast(bindparam("status"), Text)
_SKU: Final = cast(bindparam("sku"), Text)
_LIST: Final = Statement(
    _LICENSES.where(
        licenses.c.tenant_id == bindparam("tenant"),
        licenses.c.id > bindparam("after"),
        case((_STATUS.is_(None), licenses.c.status != "deleted"), else_=licenses.c.status == _STATUS),
        or_(_SKU.is_(None), licenses.c.sku == _SKU),
    )
    .order_by(licenses.c.id)
    .limit(bindparam("most"))
)


def add(session: Session, license: License) -> None:
    session.writes.insert(licenses, **_values(license))


def save(session: Session, license: License) -> None:
    """Write the license, which the session has locked, as it is now."""
    session.writes.update(licenses, **_values(license))


async def lock(session: Session, license_id: UUID) -> License:
    """The license, held until the session ends, so that its changes and their events have one order.

    Raises LicenseNotFound.
    """
    return _found(await session.row(_LOCK, tenant=session.tenant_id, license=license_id), license_id)


async def get(session: Session, license_id: UUID) -> License:
    """Raises LicenseNotFound."""
    return _found(await session.row(_GET, tenant=session.tenant_id, license=license_id), license_id)


async def page(
    session: Session, *, after: UUID | None, most: int, status: str | None, sku: str | None
) -> list[License]:
    """The tenant's licenses in the order they were made."""
    rows = await session.rows(
        _LIST, tenant=session.tenant_id, after=after or UUID(int=0), most=most, status=status, sku=sku
    )
    return [_license(row) for row in rows]


async def lock_due(session: Session, now: datetime, *, most: int) -> list[License]:
    """The licenses that time changes next, at `now` or before; all of them are due at the same moment."""
    rows = await session.rows(_LOCK_DUE, tenant=session.tenant_id, now=now, most=most)
    return [_license(row) for row in rows]


async def next_due(session: Session) -> datetime | None:
    """When time changes a license of the tenant next; null where it never will."""
    row = await session.row(_NEXT_DUE, tenant=session.tenant_id)
    return None if row is None else row["due_at"]


def _found(row: Record | None, license_id: UUID) -> License:
    if row is None:
        raise LicenseNotFound(license_id)
    return _license(row)


def _license(row: Record) -> License:
    values = dict(row)
    del values["due_at"], values["quantity"]  # derived; stored for queries
    values["batches"] = tuple(
        Batch(batch["quantity"], datetime.fromisoformat(batch["added_at"]), batch["charged"])
        for batch in values["batches"]
    )
    if values["scheduled"] is not None:
        values["scheduled"] = Scheduled(**values["scheduled"])
    return License(**values)


def _values(license: License) -> dict[str, Any]:
    values = {name: getattr(license, name) for name in _FIELDS}
    values |= {"due_at": license.next_due_at, "quantity": license.quantity}
    values["batches"] = [
        {"quantity": batch.quantity, "added_at": batch.added_at.isoformat(), "charged": batch.charged}
        for batch in license.batches
    ]
    if license.scheduled is not None:
        values["scheduled"] = asdict(license.scheduled)
    return values
