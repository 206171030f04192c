"""Plans' side of the test clock."""

from typing import Final

from sqlalchemy import select

from services.plans.store import due
from services.plans.store.tables import held_licenses, sites
from shared.db.database import Session
from shared.db.sandbox import versions_in
from shared.db.statement import Statement
from shared.http.sandbox import Progress, sandbox_routes

# Of what plans tells of, licensing follows the sites alone.
_PROGRESS: Final = Statement(
    select(versions_in(sites).label("sent"), versions_in(held_licenses).label("received"))
)


async def _progress(session: Session) -> Progress:
    row = await session.row(_PROGRESS, tenant=session.tenant_id)
    return Progress(
        sent=row["sent"] if row else 0,
        received=row["received"] if row else 0,
        next_due_at=(await due.of_tenant(session)).next,
    )


router = sandbox_routes(_progress)
