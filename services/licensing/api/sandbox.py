"""Licensing's side of the test clock."""

from typing import Final

from sqlalchemy import ScalarSelect, Table, bindparam, func, select

from services.licensing.store import invoices as stored_invoices
from services.licensing.store import licenses as stored_licenses
from services.licensing.store.tables import licenses, sites
from shared.db.database import Session
from shared.db.statement import Statement
from shared.http.sandbox import Progress, sandbox_routes


def _versions_in(table: Table) -> ScalarSelect[int]:
    total = func.coalesce(func.sum(table.c.version), 0)
    return select(total).where(table.c.tenant_id == bindparam("tenant")).scalar_subquery()


_PROGRESS: Final = Statement(
    select(_versions_in(licenses).label("sent"), _versions_in(sites).label("received"))
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
