"""How plans tells of a plan: its state on the wire, and an event for each change."""

from datetime import datetime

from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.service import service
from services.plans.store.holdings import Known
from shared import tracing
from shared.db import outbox
from shared.db.database import Session
from shared.events.event import changes
from shared.events.plans import PlanAdded, PlanEvent, PlanPricePlanChanged
from shared.events.state import LicensedSites, PlanState


def state_of(plan: OtPlan, known: Known, *, now: datetime) -> PlanState:
    """The plan as events and the API show it at `now`."""
    running = service(known.holdings, now=now)
    return PlanState(
        subscription_id=plan.subscription_id,
        status=plan.status,
        price_plan=plan.price_plan,
        licensed_sites=[
            LicensedSites(site_size=size.site_size, max_devices=size.max_devices, quantity=size.quantity)
            for size in plan.licensed_sites
        ],
        committed_devices=None,
        sites=None,
        detected_devices=0,
        terms_accepted_at=plan.terms_accepted_at,
        pending_change=None,
        service_state=running.state,
        service_stops_at=running.stops_at,
        data_purged_at=running.data_purged_at,
        version=plan.version,
        as_of=known.heard_until or plan.added_at,
    )


def added(session: Session, plan: OtPlan, state: PlanState, *, now: datetime) -> None:
    """Publish that a plan was added."""
    _publish(session, plan, PlanAdded(plan=state, changed=(), previous={}), now)


def price_plan_changed(
    session: Session, plan: OtPlan, before: PlanState, after: PlanState, *, now: datetime
) -> None:
    """Publish that the tenant's licenses made another plan of it."""
    changed, previous = changes(before, after, except_for=["as_of"])
    _publish(session, plan, PlanPricePlanChanged(plan=after, changed=changed, previous=previous), now)


def _publish(session: Session, plan: OtPlan, event: PlanEvent, now: datetime) -> None:
    outbox.add(
        session,
        event,
        event.envelope(tenant_id=plan.tenant_id, time=now, traceparent=tracing.traceparent.get()),
    )
