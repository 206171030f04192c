"""What may be done with a plan now, each by the very rule that the action runs."""

from collections.abc import Collection, Sequence

from services.plans import roles
from services.plans.domain.legacy_plan import Surroundings, refusal_to_edit, refusal_to_migrate
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.pending_change import refusal_to_undo
from services.plans.domain.plan_cancellation import refusal_to_cancel
from shared.http.actions import AllowedAction, allowed, by_role


def actions_of(
    plan: OtPlan, sensors: Sequence[str], around: Surroundings, *, held: Collection[str]
) -> list[AllowedAction]:
    """In the order of the contract, for a caller who holds these roles on the subscription.

    `sensors` are the names of those on it.
    """
    actions = [
        allowed("cancel", refusal_to_cancel(plan, sensors)),
        allowed("edit", refusal_to_edit(plan)),
        allowed(
            "undo",
            refusal_to_undo(plan),
            until=None if plan.pending is None else plan.pending.effective_at,
        ),
        allowed("migrate", refusal_to_migrate(plan, around)),
    ]
    return by_role(actions, roles.PLAN_ACTIONS, held)
