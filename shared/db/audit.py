"""Who changed what: one row for every change, written in the change's own transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from shared import tracing
from shared.db.database import Session
from shared.db.tables import audit_events
from shared.db.writes import Json
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
    before: BaseModel | Mapping[str, Any] | None,
    after: BaseModel | Mapping[str, Any] | None,
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
        before=_written(before),
        after=_written(after),
        reason=reason,
        request_id=tracing.request_id.get(),
    )


def _written(state: BaseModel | Mapping[str, Any] | None) -> Json | Mapping[str, Any] | None:
    return Json(state.model_dump_json()) if isinstance(state, BaseModel) else state
