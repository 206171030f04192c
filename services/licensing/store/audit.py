"""Licensing's audit: one chain for each tenant."""

from datetime import datetime
from uuid import UUID

from shared.db import audit
from shared.db.database import Session
from shared.events.state import LicenseState


def record(
    session: Session,
    action: str,
    *,
    tenant_id: UUID,
    by: str,
    at: datetime,
    before: LicenseState | None,
    after: LicenseState,
) -> None:
    """Say who changed a license from what to what."""
    audit.record(
        session,
        tenant_id=tenant_id,
        chain=tenant_id,
        at=at,
        actor=by,
        action=action,
        resource=f"license/{after.id}",
        before=before,
        after=after,
    )
