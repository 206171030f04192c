"""Licensing's side of the test clock."""

from typing import Final

from sqlalchemy import bindparam, func, select

from services.licensing.store import invoices as stored_invoices
from services.licensing.store import licenses as stored_licenses
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
    due = [await stored_licenses.next_due(session), await stored_invoices.next_to_close(session)]
    return Progress(
        sent=row["sent"] if row else 0,
        received=None,
        next_due_at=min((moment for moment in due if moment is not None), default=None),
    )


router = sandbox_routes(_progress)
