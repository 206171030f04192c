"""The order of work of confirming a change of a plan that takes effect an hour later, and of withdrawing it."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from services.plans.commands.record_plan import record_plan
from services.plans.commands.take_effect import catch_up
from services.plans.domain import legacy_plan, pending_change, plan_cancellation
from services.plans.domain.errors import PlanNotFound
from services.plans.domain.legacy_plan import Edit, Surroundings
from services.plans.domain.ot_plan import OtPlan
from services.plans.store import holdings, operations, ot_plans, sensors
from services.plans.store.holdings import Known
from services.plans.store.operations import Kind
from shared.db.database import Session
from shared.events.plans import PlanCancelRequested, PlanChangeRequested, PlanChangeUndone
from shared.identity import Principal
from shared.ids import new_id


@dataclass(frozen=True, slots=True)
class Held:
    """A plan that the session has locked, as time has made it, and what its changes are judged by."""

    plan: OtPlan
    known: Known
    sensors: list[str]
    """The names of its subscription's sensors."""
    sensors_elsewhere: bool

    @property
    def surroundings(self) -> Surroundings:
        return Surroundings(self.known.holdings, self.sensors_elsewhere)


async def hold(session: Session, subscription_id: UUID, now: datetime) -> Held:
    """Lock the tenant and the plan. Raises PlanNotFound."""
    known = (await holdings.lock(session, [session.tenant_id]))[session.tenant_id]
    plan = await ot_plans.lock(session, subscription_id)
    if plan is None:
        raise PlanNotFound(subscription_id)
    plan = await catch_up(session, plan, known, now)
    return Held(
        plan,
        known,
        await sensors.names_on(session, subscription_id),
        await sensors.on_other_subscriptions(session, subscription_id),
    )


async def cancel_plan(session: Session, held: Held, *, by: Principal, now: datetime) -> OtPlan:
    """Confirm the end of the plan, once it was agreed to (B36, B37).

    Raises PlanCancelled, ChangePending, SensorsStillRegistered.
    """
    after = plan_cancellation.cancel(held.plan, held.sensors, operation_id=new_id(), by=by.id, now=now)
    _begin(session, after, "plan.cancel")
    await record_plan(session, held.plan, after, PlanCancelRequested, held.known, by=by.id, at=now)
    return after


async def edit_plan(session: Session, held: Held, wanted: Edit, *, by: Principal, now: datetime) -> OtPlan:
    """Confirm an edit of a legacy plan, once it was checked (B53 to B56); the plan itself where it is so already.

    Raises what `legacy_plan.edit` does.
    """
    after = legacy_plan.edit(
        held.plan,
        wanted,
        held.surroundings,
        operation_id=new_id(),
        by=by.id,
        now=now,
    )
    if after != held.plan:
        _begin(session, after, "plan.edit")
        await record_plan(session, held.plan, after, PlanChangeRequested, held.known, by=by.id, at=now)
    return after


async def undo_change(session: Session, held: Held, *, by: Principal, now: datetime) -> OtPlan:
    """Withdraw what is pending. Raises NothingPending, PlanCancelled."""
    after = pending_change.undo(held.plan)
    if held.plan.pending is not None:
        operations.finish(session, held.plan.pending.operation_id, "cancelled", at=now)
    await record_plan(session, held.plan, after, PlanChangeUndone, held.known, by=by.id, at=now)
    return after


def _begin(session: Session, plan: OtPlan, kind: Kind) -> None:
    if plan.pending is None:
        raise ValueError(f"nothing is pending on the plan of {plan.subscription_id}")
    operations.begin(
        session,
        plan.pending.operation_id,
        tenant_id=plan.tenant_id,
        subscription_id=plan.subscription_id,
        kind=kind,
        resource=f"/v1/subscriptions/{plan.subscription_id}/plan",
        now=plan.pending.requested_at,
        effective_at=plan.pending.effective_at,
    )
