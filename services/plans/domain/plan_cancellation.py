"""Cancelling a plan: sensors first, an agreement, and an hour until it ends (B36, B37)."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from services.plans.domain.errors import PlansError, SensorsStillRegistered
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.pending_change import confirm, refusal_to_change


def refusal_to_cancel(plan: OtPlan, sensors: Sequence[str]) -> PlansError | None:
    """What stands against cancelling now; `sensors` are the names of those on the subscription."""
    if (refusal := refusal_to_change(plan)) is not None:
        return refusal
    return SensorsStillRegistered(sensors, f"Subscription {plan.subscription_id}") if sensors else None


def cancel(plan: OtPlan, sensors: Sequence[str], *, operation_id: UUID, by: str, now: datetime) -> OtPlan:
    """The plan with its end pending. Raises PlanCancelled, ChangePending, SensorsStillRegistered (B36)."""
    if (refusal := refusal_to_cancel(plan, sensors)) is not None:
        raise refusal
    return confirm(plan, "cancel", None, operation_id=operation_id, by=by, now=now)
