"""Plans' audit: one chain for each subscription."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel

from shared.db import audit
from shared.db.database import Session

ACTOR: Final = "siteward"
"""Who it was where nobody asked: time, or an event."""


def record(
    session: Session,
    action: str,
    *,
    tenant_id: UUID,
    subscription_id: UUID,
    actor: str,
    at: datetime,
    resource: str,
    before: BaseModel | Mapping[str, Any] | None,
    after: BaseModel | Mapping[str, Any],
    reason: str | None = None,
) -> None:
    """Say who changed something of a subscription from what to what; `reason` names the event behind it."""
    audit.record(
        session,
        tenant_id=tenant_id,
        chain=subscription_id,
        at=at,
        actor=actor,
        action=action,
        resource=resource,
        before=before,
        after=after,
        reason=reason,
    )
