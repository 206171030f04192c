"""What else hangs on a tenant's licenses besides its plans; for most tenants nothing."""

from collections.abc import Collection
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, select, union_all

from services.plans.store.tables import console_files, sites
from shared.db.database import Session
from shared.db.statement import Statement

_TENANTS: Final = cast(bindparam("tenants"), ARRAY(Uuid)).any_()
_SITES: Final = "sites"
_CONSOLE_FILES: Final = "console files"
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
    )
)


async def of(session: Session, tenants: Collection[UUID]) -> tuple[set[UUID], set[UUID]]:
    """Those of the tenants that have sites that need a license, and those that have console files in use."""
    rows = await session.rows(_OF, tenants=list(tenants), sites=_SITES, console_files=_CONSOLE_FILES)
    return (
        {row["tenant_id"] for row in rows if row["what"] == _SITES},
        {row["tenant_id"] for row in rows if row["what"] == _CONSOLE_FILES},
    )
