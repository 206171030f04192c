"""Who changed what: one row for every change, written in the change's own transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from shared import tracing
from shared.db.database import Session
from shared.db.tables import audit_events
from shared.ids import new_id


def record(
    session: Session,
    *,
    tenant_id: UUID,
    chain: UUID,
    at: datetime,
    actor: str,
    action: str,
    resource: str,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    reason: str | None = None,
) -> None:
    """Add an audit event to the session.

    `chain` is whose history it belongs to: the tenant in licensing, the subscription in plans. `at` is
    business time; `before` and `after` are the resource's state, null where it did not exist.
    """
    session.writes.insert(
        audit_events,
        id=new_id(),
        tenant_id=tenant_id,
        chain=chain,
        at=at,
        actor=actor,
        action=action,
        resource=resource,
        before=before,
        after=after,
        reason=reason,
        request_id=tracing.request_id.get(),
    )
