"""Changes of a plan that are confirmed now and take effect an hour later, and can be withdrawn until then."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from services.plans.domain.errors import ChangePending, NothingPending, PlanCancelled, PlansError
from services.plans.domain.ot_plan import OtPlan, Pending, PlanTerms

DELAY: Final = timedelta(hours=1)
"""From the confirmation until the effect (B37, B56)."""


def refusal_to_change(plan: OtPlan) -> PlansError | None:
    """What stands against any change of the plan: its end, or a change that is pending."""
    if not plan.is_on:
        return PlanCancelled(plan.subscription_id)
    if plan.pending is not None:
        return ChangePending(plan.pending.kind, plan.pending.effective_at)
    return None


def refusal_to_undo(plan: OtPlan) -> PlansError | None:
    if not plan.is_on:
        return PlanCancelled(plan.subscription_id)
    return NothingPending(plan.subscription_id) if plan.pending is None else None


def confirm(
    plan: OtPlan,
    kind: Literal["cancel", "edit"],
    to: PlanTerms | None,
    *,
    operation_id: UUID,
    by: str,
    now: datetime,
) -> OtPlan:
    """The plan with the change pending, from `now` (aware UTC) on."""
    return replace(
        plan,
        status="cancel_pending" if kind == "cancel" else "change_pending",
        pending=Pending(kind, now, now + DELAY, to, operation_id, by),
        version=plan.version + 1,
    )


def undo(plan: OtPlan) -> OtPlan:
    """The plan as it was before the confirmation, but for its version. Raises PlanCancelled, NothingPending."""
    if (refusal := refusal_to_undo(plan)) is not None:
        raise refusal
    return replace(plan, status="active", pending=None, version=plan.version + 1)


def end(plan: OtPlan) -> OtPlan:
    """The plan once its cancel is in effect: nothing of it is left but its past (B38)."""
    return replace(
        plan,
        status="cancelled",
        pending=None,
        licensed_sites=(),
        committed_devices=None,
        sites=None,
        trial_ends_at=None,
        version=plan.version + 1,
    )
