"""Licensing's side of the test clock."""

from typing import Final

from sqlalchemy import bindparam, func, select

from services.licensing.store.tables import licenses
from shared.db.database import Session
from shared.db.statement import Statement
from shared.http.sandbox import Progress, sandbox_routes

_SENT: Final = Statement(
    select(func.coalesce(func.sum(licenses.c.version), 0).label("sent")).where(
        licenses.c.tenant_id == bindparam("tenant")
    )
)


async def _progress(session: Session) -> Progress:
    row = await session.row(_SENT, tenant=session.tenant_id)
    return Progress(sent=row["sent"] if row else 0, received=None, next_due_at=None)


router = sandbox_routes(_progress)
