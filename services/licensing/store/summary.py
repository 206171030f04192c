"""How many licenses of each SKU are in which state."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Integer, bindparam, cast, func, or_, select

from services.licensing.store.tables import assignments, licenses
from shared.db.database import Session
from shared.db.statement import Statement


def _in(*status: str, cancelled: bool | None = None) -> ColumnElement[int]:
    counted: ColumnElement[bool] = or_(*(licenses.c.status == one for one in status))
    if cancelled is not None:
        counted &= licenses.c.cancelled.is_(cancelled)
    return cast(func.coalesce(func.sum(licenses.c.quantity).filter(counted), 0), Integer)


_SUMMARY: Final = Statement(
    select(
        licenses.c.sku,
        _in("active", "trial").label("enabled"),
        _in("expired").label("warning"),
        _in("disabled", cancelled=False).label("suspended"),
        _in("disabled", cancelled=True).label("locked_out"),
        cast(func.coalesce(func.sum(assignments.c.assigned), 0), Integer).label("consumed"),
        func.min(
            func.coalesce(licenses.c.grace_ends_at, licenses.c.disabled_ends_at, licenses.c.term_end)
        ).label("next_lifecycle_at"),
    )
    .select_from(licenses.outerjoin(assignments, assignments.c.license_id == licenses.c.id))
    .where(licenses.c.tenant_id == bindparam("tenant"), licenses.c.status != "deleted")
    .group_by(licenses.c.sku)
    .order_by(licenses.c.sku)
)


@dataclass(frozen=True, slots=True)
class SkuSummary:
    sku: str
    enabled: int
    warning: int
    suspended: int
    locked_out: int
    consumed: int
    """Sites that use them, as far as licensing has heard."""
    next_lifecycle_at: datetime


async def of_tenant(session: Session) -> list[SkuSummary]:
    """In the order of the SKUs; deleted licenses are not counted."""
    return [SkuSummary(**row) for row in await session.rows(_SUMMARY, tenant=session.tenant_id)]
