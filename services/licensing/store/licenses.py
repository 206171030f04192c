"""Licenses in PostgreSQL."""

from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, null, or_, select
from sqlalchemy import cast as sql_cast

from services.licensing.domain.errors import LicenseNotFound
from services.licensing.domain.license import Batch, License
from services.licensing.store.tables import licenses
from shared.db.database import Record, Session
from shared.db.statement import Statement

_COLUMNS: Final = tuple(column.name for column in licenses.c)
_ONE: Final = select(licenses).where(
    licenses.c.tenant_id == bindparam("tenant"), licenses.c.id == bindparam("license")
)
_GET: Final = Statement(_ONE)
_LOCK: Final = Statement(_ONE.with_for_update())


def _unless_given(name: str, column: Any) -> Any:
    """A filter that a caller may leave out."""
    asked = sql_cast(bindparam(name), column.type)
    return or_(asked.is_(null()), column == asked)


_LIST: Final = Statement(
    select(licenses)
    .where(
        licenses.c.tenant_id == bindparam("tenant"),
        licenses.c.id > bindparam("after"),
        _unless_given("status", licenses.c.status),
        _unless_given("sku", licenses.c.sku),
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


def _found(row: Record | None, license_id: UUID) -> License:
    if row is None:
        raise LicenseNotFound(license_id)
    return _license(row)


def _license(row: Record) -> License:
    values = dict(row)
    values["batches"] = tuple(
        Batch(batch["quantity"], datetime.fromisoformat(batch["added_at"]), batch["charged"])
        for batch in values["batches"]
    )
    return License(**values)


def _values(license: License) -> dict[str, Any]:
    values = {field.name: getattr(license, field.name) for field in fields(license)}
    values["batches"] = [
        {"quantity": batch.quantity, "added_at": batch.added_at.isoformat(), "charged": batch.charged}
        for batch in license.batches
    ]
    return values
