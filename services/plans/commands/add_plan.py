"""The order of work of adding a plan to a subscription."""

from datetime import datetime

from services.plans import events
from services.plans.commands.settle_service_notices import settle_orphans
from services.plans.domain import ot_plan
from services.plans.domain.subscription import Subscription
from services.plans.store import audit, holdings, ot_plans, plan_terms
from shared.db.database import Session
from shared.events.state import PlanState
from shared.identity import Principal


async def add_plan(
    session: Session, subscription: Subscription, *, by: Principal, now: datetime
) -> PlanState:
    """Add the plan that the tenant's licenses make, also anew after an earlier one has ended; its state.

    Its terms are accepted. Raises PlanAlreadyExists, NoActiveLicense.
    """
    # What the plan is derived from must not change before the plan is there to follow it.
    known = (await holdings.lock(session, [session.tenant_id]))[session.tenant_id]
    before = await ot_plans.lock(session, subscription.id)
    added = ot_plan.add_plan(
        before,
        known.holdings,
        subscription_id=subscription.id,
        tenant_id=subscription.tenant_id,
        now=now,
    )
    state = events.state_of(added, known, now=now)
    write = ot_plans.add if before is None else ot_plans.save
    write(session, added)
    await plan_terms.add(session, added, at=now)
    events.added(session, added, state, now=now)
    audit.record(
        session,
        "plan.added",
        tenant_id=added.tenant_id,
        subscription_id=added.subscription_id,
        actor=by.id,
        at=now,
        resource=f"plan/{added.subscription_id}",
        before=None,
        after=state,
    )
    await session.flush()
    await settle_orphans(session, added.tenant_id, at=now)
    return state
