"""What time does to plans: a confirmed change takes effect, and a legacy trial ends (B37, B56, B60)."""

from datetime import datetime
from typing import Final

from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.delete_sensor import delete_all_sensors
from services.plans.commands.delete_site import delete_all_sites
from services.plans.commands.enterprise_iot import end_with_plan, end_with_trial
from services.plans.commands.entitle import cover, entitle, record_covered
from services.plans.commands.record_plan import record_plan
from services.plans.commands.require_reactivation import require_reactivation
from services.plans.commands.settle_notices import settle_notices
from services.plans.commands.settle_service_notices import settle_orphans
from services.plans.commands.supersede_console_files import forget_console_files, supersede_console_files
from services.plans.domain import legacy_plan, pending_change
from services.plans.domain.allocation import UNLICENSED
from services.plans.domain.ot_plan import OtPlan, Pending
from services.plans.domain.service_notices import plan_resource
from services.plans.domain.site import ENTERPRISE_NETWORK
from services.plans.store import audit, holdings, operations, ot_plans, plan_terms, sites
from services.plans.store.holdings import Known
from shared.db.database import Session
from shared.events.plans import PlanCancelled, PlanChangeEffective, PlanPricePlanChanged

_MOST: Final = 20
"""Plans that one transaction carries well, each with its sites and sensors."""


async def plans_due(session: Session, at: datetime) -> None:
    """Do what is due at `at` to some plans of the session's tenant, which is locked."""
    known = (await holdings.lock(session, [session.tenant_id]))[session.tenant_id]
    for plan in await ot_plans.lock_due(session, at, most=_MOST):
        await _step(session, plan, known, at)
        await session.flush()


async def catch_up(session: Session, plan: OtPlan, known: Known, now: datetime) -> OtPlan:
    """The plan, which the session has locked like its tenant, as time has made it by `now`.

    A command must not find a plan in a state that is past only because the scheduler is behind.
    """
    while plan.next_due_at is not None and plan.next_due_at <= now:
        plan = await _step(session, plan, known, plan.next_due_at)
        await session.flush()  # each step is a version of its own
    return plan


async def _step(session: Session, plan: OtPlan, known: Known, at: datetime) -> OtPlan:
    if plan.pending is None or plan.pending.effective_at != at:
        return await _end_trial(session, plan, known, at)
    if plan.pending.kind == "cancel":
        return await _end(session, plan, plan.pending, known)
    return await _edit(session, plan, plan.pending, known)


async def _end_trial(session: Session, plan: OtPlan, known: Known, at: datetime) -> OtPlan:
    after = legacy_plan.after_trial(plan)
    await record_plan(session, plan, after, PlanPricePlanChanged, known, by=audit.ACTOR, at=at)
    await plan_terms.begin(session, after, at=at)
    await end_with_trial(session, plan.subscription_id, at=at)
    await settle_count_notices(session, plan.subscription_id, (), at=at)
    await supersede_console_files(session, plan.tenant_id, known.holdings, at=at)
    return after


async def _edit(session: Session, plan: OtPlan, pending: Pending, known: Known) -> OtPlan:
    at, reason = pending.effective_at, _reason(pending)
    after = legacy_plan.edited(plan, known.holdings)
    await record_plan(session, plan, after, PlanChangeEffective, known, by=audit.ACTOR, at=at, reason=reason)
    await plan_terms.begin(session, after, at=at)
    operations.finish(session, pending.operation_id, "succeeded", at=at)
    await session.flush()
    await require_reactivation(session, plan.subscription_id, by=audit.ACTOR, at=at, reason=reason)
    if not after.legacy:
        await _follow_licenses(session, after, known, at=at, reason=reason)
    await settle_count_notices(session, plan.subscription_id, (), at=at)
    await supersede_console_files(session, plan.tenant_id, known.holdings, at=at)
    return after


async def _follow_licenses(
    session: Session, plan: OtPlan, known: Known, *, at: datetime, reason: str
) -> None:
    """Let the sites of a plan that was legacy need a license; they have none before they have a size (B63)."""
    before = [
        site
        for site in await sites.of_subscription(session, plan.subscription_id)
        if site.coverage == "legacy" and site.name != ENTERPRISE_NETWORK
    ]
    after = [cover(site, UNLICENSED) for site in before]
    await record_covered(session, before, after, at=at, by=audit.ACTOR, reason=reason)
    await session.flush()
    await entitle(session, plan.tenant_id, known.holdings, at=at, by=audit.ACTOR, reason=reason)
    await settle_orphans(session, plan.tenant_id, at=at)


async def _end(session: Session, plan: OtPlan, pending: Pending, known: Known) -> OtPlan:
    at, reason = pending.effective_at, _reason(pending)
    after = pending_change.end(plan)
    await record_plan(session, plan, after, PlanCancelled, known, by=audit.ACTOR, at=at, reason=reason)
    await plan_terms.end(session, plan.subscription_id, tenant_id=plan.tenant_id, at=at)
    operations.finish(session, pending.operation_id, "succeeded", at=at)
    await session.flush()
    await delete_all_sensors(session, plan.subscription_id, by=audit.ACTOR, at=at)
    await end_with_plan(session, plan.subscription_id, by=audit.ACTOR, at=at)
    await delete_all_sites(session, plan.subscription_id, by=audit.ACTOR, at=at)
    await settle_notices(session, about=[plan_resource(plan.subscription_id)], wanted=[], at=at)
    if not plan.legacy:
        await entitle(session, plan.tenant_id, known.holdings, at=at, by=audit.ACTOR, reason=reason)
        await settle_orphans(session, plan.tenant_id, at=at)
    await supersede_console_files(session, plan.tenant_id, known.holdings, at=at)
    await forget_console_files(session, plan.subscription_id, at=at)
    return after


def _reason(pending: Pending) -> str:
    return f"operation/{pending.operation_id}"
