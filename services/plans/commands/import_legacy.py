"""The order of work of taking over existing customers' legacy plans (B51); new ones can no longer be bought (B9)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.plans import events
from services.plans.commands.enterprise_iot import begin_legacy
from services.plans.domain.legacy_plan import imported
from services.plans.domain.ot_plan import OtPlan
from services.plans.store import audit, holdings, ot_plans, plan_terms, subscriptions
from shared.db.database import Session


@dataclass(frozen=True, slots=True)
class LegacyPlan:
    tenant_id: UUID
    subscription_id: UUID
    display_name: str
    owner: str
    """Who becomes the subscription's Owner."""
    price_plan: Literal["trial", "monthly", "annual"]
    committed_devices: int
    sites: int | None
    started_at: datetime
    enterprise_iot: bool


async def import_legacy(session: Session, row: LegacyPlan, *, by: str, now: datetime) -> OtPlan | None:
    """Take over one plan as of `now`, its tenant's present; None where the subscription is linked already."""
    made = await subscriptions.link_for(
        session, row.subscription_id, row.display_name, tenant_id=row.tenant_id, owner=row.owner
    )
    if not made:
        return None
    known = (await holdings.lock(session, [row.tenant_id]))[row.tenant_id]
    plan = imported(
        subscription_id=row.subscription_id,
        tenant_id=row.tenant_id,
        price_plan=row.price_plan,
        committed_devices=row.committed_devices,
        sites=row.sites,
        started_at=row.started_at,
        now=now,
    )
    state = events.state_of(plan, known, now=now)
    await session.flush()
    ot_plans.add(session, plan)
    await plan_terms.begin(session, plan, at=now)
    events.added(session, plan, state, now=now)
    audit.record(
        session,
        "plan.imported",
        tenant_id=plan.tenant_id,
        subscription_id=plan.subscription_id,
        actor=by,
        at=now,
        resource=f"plan/{plan.subscription_id}",
        before=None,
        after=state,
    )
    if row.enterprise_iot:
        begin_legacy(session, plan.subscription_id, tenant_id=plan.tenant_id, by=by, at=now)
    return plan
