"""The one trial that a tenant has for all time (B11)."""

from typing import Final
from uuid import UUID

from sqlalchemy import bindparam
from sqlalchemy.dialects.postgresql import insert

from services.licensing.domain.errors import TrialAlreadyUsed
from services.licensing.store.tables import trials
from shared.db.database import Session
from shared.db.statement import Statement

_USE: Final = Statement(
    insert(trials)
    .values(tenant_id=bindparam("tenant"), license_id=bindparam("license"))
    .on_conflict_do_nothing()
    .returning(trials.c.license_id)
)


async def use(session: Session, license_id: UUID) -> None:
    """Take the tenant's trial, also against others who try at the same time. Raises TrialAlreadyUsed."""
    if await session.row(_USE, tenant=session.tenant_id, license=license_id) is None:
        raise TrialAlreadyUsed
