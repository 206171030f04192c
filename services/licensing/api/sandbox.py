"""Licensing's side of the test clock."""

from typing import Final

from sqlalchemy import select

from services.licensing.store import invoices as stored_invoices
from services.licensing.store import licenses as stored_licenses
from services.licensing.store.tables import licenses, sites
from shared.db.database import Session
from shared.db.sandbox import versions_in
from shared.db.statement import Statement
from shared.http.sandbox import Progress, sandbox_routes

_PROGRESS: Final = Statement(
    select(versions_in(licenses).label("sent"), versions_in(sites).label("received"))
)


async def _progress(session: Session) -> Progress:
    row = await session.row(_PROGRESS, tenant=session.tenant_id)
    due = [await stored_licenses.next_due(session), await stored_invoices.next_to_close(session)]
    return Progress(
        sent=row["sent"] if row else 0,
        received=row["received"] if row else 0,
        next_due_at=min((moment for moment in due if moment is not None), default=None),
    )


router = sandbox_routes(_progress)
