"""Console activation files in PostgreSQL."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, func, select

from services.plans.domain.console_file import ConsoleFile, Counted
from services.plans.domain.errors import ConsoleFileNotFound
from services.plans.store.tables import console_files, plans, role_assignments
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.identity import Principal

_FIELDS: Final = tuple(field.name for field in fields(ConsoleFile))
_OF_TENANT: Final = console_files.c.tenant_id == bindparam("tenant")
_ROLES: Final = (
    select(func.array_agg(role_assignments.c.role))
    .where(
        role_assignments.c.tenant_id == bindparam("tenant"),
        role_assignments.c.principal == bindparam("principal"),
        console_files.c.subscription_ids.has_key(cast(role_assignments.c.subscription_id, Text)),
    )
    .scalar_subquery()
)
SEEN: Final = func.cardinality(_ROLES) == func.jsonb_array_length(console_files.c.subscription_ids)
"""Whether the caller has a role on each subscription of a file; of the parameters `tenant` and `principal`."""
_VISIBLE: Final = select(console_files, _ROLES.label("roles")).where(_OF_TENANT, SEEN)
_GET: Final = Statement(_VISIBLE.where(console_files.c.id == bindparam("file")))
_LIST: Final = Statement(
    _VISIBLE.where(console_files.c.id > bindparam("after"))
    .order_by(console_files.c.id)
    .limit(bindparam("most"))
)
_CURRENT: Final = Statement(
    select(console_files)
    .where(_OF_TENANT, console_files.c.superseded_at.is_(None))
    .order_by(console_files.c.serial)
    .with_for_update()
)
_COVERING: Final = Statement(
    select(console_files)
    .where(_OF_TENANT, console_files.c.subscription_ids.contains(bindparam("subscriptions")))
    .order_by(console_files.c.serial)
)
_LAST_SERIAL: Final = Statement(
    select(func.coalesce(func.max(console_files.c.serial), 0).label("serial")).where(_OF_TENANT)
)
_PLANS: Final = Statement(
    select(plans.c.subscription_id, plans.c.legacy, plans.c.committed_devices).where(
        plans.c.tenant_id == bindparam("tenant"), plans.c.status != "cancelled"
    )
)


async def get(session: Session, file_id: UUID, *, seen_by: Principal) -> tuple[ConsoleFile, list[str]]:
    """The file, and the caller's roles on its subscriptions.

    Raises ConsoleFileNotFound, also where the caller has no role on one of them.
    """
    row = await session.row(_GET, tenant=session.tenant_id, file=file_id, principal=seen_by.id)
    if row is None:
        raise ConsoleFileNotFound(file_id)
    return _file(row), row["roles"]


async def page(
    session: Session, *, seen_by: Principal, after: UUID | None, most: int
) -> list[tuple[ConsoleFile, list[str]]]:
    """Those of which the caller has a role on every subscription, and these roles, in the order they were issued."""
    rows = await session.rows(
        _LIST, tenant=session.tenant_id, principal=seen_by.id, after=after or UUID(int=0), most=most
    )
    return [(_file(row), row["roles"]) for row in rows]


async def lock_current(session: Session, tenant_id: UUID) -> list[ConsoleFile]:
    """The files of the tenant that are not superseded, held until the session ends."""
    return [_file(row) for row in await session.rows(_CURRENT, tenant=tenant_id)]


async def covering(session: Session, subscription_ids: Collection[UUID]) -> list[ConsoleFile]:
    """All files ever issued for these subscriptions, whether or not for others too."""
    rows = await session.rows(_COVERING, tenant=session.tenant_id, subscriptions=_texts(subscription_ids))
    return [_file(row) for row in rows]


async def last_serial(session: Session) -> int:
    """Of the session's tenant, whose lock the session holds."""
    row = await session.row(_LAST_SERIAL, tenant=session.tenant_id)
    return 0 if row is None else row["serial"]


async def counted(session: Session, tenant_id: UUID) -> dict[UUID, Counted]:
    """What each plan of the tenant that is on adds to a figure, by subscription."""
    rows = await session.rows(_PLANS, tenant=tenant_id)
    return {row["subscription_id"]: Counted(row["legacy"], row["committed_devices"]) for row in rows}


def add(session: Session, issued: ConsoleFile) -> None:
    values = {name: getattr(issued, name) for name in _FIELDS}
    session.writes.insert(console_files, **values | {"subscription_ids": _texts(issued.subscription_ids)})


def supersede(session: Session, file_id: UUID, *, at: datetime) -> None:
    session.writes.update(console_files, id=file_id, superseded_at=at)


def _texts(subscription_ids: Collection[UUID]) -> list[str]:
    return [str(subscription) for subscription in sorted(subscription_ids)]


def _file(row: Record) -> ConsoleFile:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["subscription_ids"] = tuple(UUID(one) for one in values["subscription_ids"])
    return ConsoleFile(**values)
