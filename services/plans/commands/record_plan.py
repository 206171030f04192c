"""How every change of a plan is written, whichever rule made it: state, event and audit together."""

from datetime import datetime

from services.plans import events
from services.plans.domain.ot_plan import OtPlan
from services.plans.store import audit, device_counts, ot_plans
from services.plans.store.holdings import Known
from shared.db.database import Session
from shared.events.plans import PlanEvent
from shared.events.state import PlanState


async def record_plan(
    session: Session,
    before: OtPlan,
    after: OtPlan,
    happened: type[PlanEvent],
    known: Known,
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> PlanState:
    """Write the change of a plan that the session has locked, done by `by` as of `at` (aware UTC); its state then.

    `known` is what the tenant holds; `reason` names what is behind a change that nobody asked for at that moment.
    """
    detected = (await device_counts.of_subscriptions(session, [after.subscription_id], now=at)).get(
        after.subscription_id, 0
    )
    was = events.state_of(before, known, now=at, detected=detected)
    state = events.state_of(after, known, now=at, detected=detected if after.is_on else 0)
    write_plan(session, after, happened, was, state, by=by, at=at, reason=reason)
    return state


def write_plan(
    session: Session,
    after: OtPlan,
    happened: type[PlanEvent],
    was: PlanState,
    state: PlanState,
    *,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """The same for whoever knows the plan's states before and after already."""
    ot_plans.save(session, after)
    events.plan_changed(session, after, happened, was, state, now=at)
    audit.record(
        session,
        happened.short_name(),
        tenant_id=after.tenant_id,
        subscription_id=after.subscription_id,
        actor=by,
        at=at,
        resource=f"plan/{after.subscription_id}",
        before=was,
        after=state,
        reason=reason,
    )
