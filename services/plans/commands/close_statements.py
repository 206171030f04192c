"""Statements close when their month is over (B59)."""

from datetime import datetime
from typing import Final

from services.plans import events
from services.plans.domain import statement
from services.plans.store import audit, plan_terms, statements
from shared.db.database import Session

_MOST: Final = 500
"""Statements that one transaction carries well."""


async def close_due(session: Session, month_end: datetime) -> None:
    """Close some statements of the month that ended at `month_end` (aware UTC), as of that moment.

    The session's tenant is locked, and all that happened to its plans in that month has been written.
    """
    tenant_id, month = session.tenant_id, statement.month_before(month_end)
    subscriptions = await statements.lock_open(session, month, most=_MOST)
    terms = await plan_terms.since(session, subscriptions, tenant_id=tenant_id, start=month)
    for subscription_id, held in terms.items():
        statements.move_on(session, subscription_id, statement.next_to_close(held, month_end))
        if (closed := statement.closed(subscription_id, held, month)) is None:
            continue
        state = events.statement_state(closed)
        statements.close(
            session,
            subscription_id,
            state.month,
            state.model_dump_json(),
            tenant_id=tenant_id,
            at=month_end,
        )
        events.statement_closed(session, state, tenant_id=tenant_id, now=month_end)
        audit.record(
            session,
            "statement.closed",
            tenant_id=tenant_id,
            subscription_id=subscription_id,
            actor=audit.ACTOR,
            at=month_end,
            resource=f"statement/{subscription_id}/{state.month}",
            before=None,
            after=state,
        )
