"""Licensing's audit: one chain for each tenant."""

from datetime import datetime

from shared.db import audit
from shared.db.database import Session
from shared.events.state import LicenseState
from shared.identity import Principal


def record(
    session: Session,
    action: str,
    *,
    by: Principal,
    now: datetime,
    before: LicenseState | None,
    after: LicenseState,
) -> None:
    """Say who changed a license from what to what."""
    audit.record(
        session,
        tenant_id=by.tenant_id,
        chain=by.tenant_id,
        at=now,
        actor=by.id,
        action=action,
        resource=f"license/{after.id}",
        before=before,
        after=after,
    )
