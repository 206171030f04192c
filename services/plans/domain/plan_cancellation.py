"""Cancelling a plan: sensors first, an agreement, an hour until it ends, and what goes on after it (B36 to B39)."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.plans.domain.errors import PlansError, SensorsStillRegistered
from services.plans.domain.holdings import Held
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


def licenses_kept(
    living: Iterable[Held], *, covering: Collection[UUID | None], enterprise_iot: bool
) -> list[Held]:
    """The licenses that a caller may believe to end with the plan, and that do not (B39).

    Of those in use or in their grace: those for sites, in the grace only if they are in `covering`, the ids of
    licenses that cover a site; those for Enterprise IoT if that goes with the plan.
    """
    return [
        held
        for held in living
        if (enterprise_iot if held.site_size is None else held.in_use or held.license_id in covering)
    ]


def what_is_kept(kept: Sequence[Held]) -> str:
    """What becomes of these licenses, in a sentence or two."""
    charged = sum(held.in_use for held in kept)
    expired = len(kept) - charged
    said = []
    if charged == 1:
        said.append("1 license goes on and is charged; cancel it at /v1/licenses.")
    elif charged:
        said.append(f"{charged} licenses go on and are charged; cancel them at /v1/licenses.")
    if expired == 1:
        said.append("1 expired license stays in its grace: /v1/licenses?status=expired.")
    elif expired:
        said.append(f"{expired} expired licenses stay in their grace: /v1/licenses?status=expired.")
    return " ".join(said)
