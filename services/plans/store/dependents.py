"""What else hangs on a tenant's licenses besides its plans; for most tenants nothing."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, select, union_all

from services.plans.store.tables import console_files, device_counts, sites
from shared.db.database import Session
from shared.db.statement import Statement

_TENANTS: Final = cast(bindparam("tenants"), ARRAY(Uuid)).any_()
_SITES: Final = "sites"
_CONSOLE_FILES: Final = "console files"
_DEVICES: Final = "devices"
_OF: Final = Statement(
    union_all(
        select(sites.c.tenant_id, bindparam("sites").label("what"))
        .where(
            sites.c.tenant_id == _TENANTS,
            sites.c.coverage != "deleted",
            sites.c.coverage != "legacy",
        )
        .distinct(),
        select(console_files.c.tenant_id, bindparam("console_files").label("what"))
        .where(console_files.c.tenant_id == _TENANTS, console_files.c.superseded_at.is_(None))
        .distinct(),
        select(device_counts.c.tenant_id, bindparam("devices").label("what"))
        .where(device_counts.c.tenant_id == _TENANTS, device_counts.c.counted > 0)
        .distinct(),
    )
)


@dataclass(frozen=True, slots=True)
class Dependents:
    """Which tenants have what."""

    with_sites: set[UUID]
    """Such as need a license."""
    with_files: set[UUID]
    """Of consoles, in use."""
    with_devices: set[UUID]
    """That are counted, or were until lately."""


async def of(session: Session, tenants: Collection[UUID]) -> Dependents:
    """What hangs on the licenses of these tenants."""
    found: dict[str, set[UUID]] = {_SITES: set(), _CONSOLE_FILES: set(), _DEVICES: set()}
    for row in await session.rows(
        _OF, tenants=list(tenants), sites=_SITES, console_files=_CONSOLE_FILES, devices=_DEVICES
    ):
        found[row["what"]].add(row["tenant_id"])
    return Dependents(found[_SITES], found[_CONSOLE_FILES], found[_DEVICES])
