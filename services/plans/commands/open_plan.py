"""The plan that a change of a subscription's sites or sensors needs."""

from uuid import UUID

from services.plans.domain.errors import NoPlan, PlanCancelled
from services.plans.domain.ot_plan import OtPlan
from services.plans.store import ot_plans
from shared.db.database import Session


async def lock_plan(session: Session, subscription_id: UUID) -> OtPlan:
    """The subscription's plan, held until the session ends. Raises NoPlan, PlanCancelled."""
    plan = await ot_plans.lock(session, subscription_id)
    if plan is None:
        raise NoPlan(subscription_id)
    if not plan.is_on:
        raise PlanCancelled(subscription_id)
    return plan
