"""How plans tells of what it has: its state on the wire, and an event for each change."""

from datetime import datetime
from typing import Final, TypedDict
from uuid import UUID

from services.plans.domain.enterprise_iot import EnterpriseIot
from services.plans.domain.notice import OpenNotice
from services.plans.domain.ot_plan import OtPlan, Pending
from services.plans.domain.sensor import Sensor
from services.plans.domain.service import Service, service
from services.plans.domain.site import Site
from services.plans.domain.statement import Statement, StatementLine
from services.plans.store.holdings import Known
from shared import tracing
from shared.db import outbox
from shared.db.database import Session
from shared.events.event import changes
from shared.events.plans import (
    EnterpriseIotChanged,
    NoticeCleared,
    NoticeEvent,
    NoticeRaised,
    PlanAdded,
    PlanEvent,
    SensorEvent,
    SiteChanged,
    SiteEntitlementChanged,
    StatementClosed,
)
from shared.events.state import (
    EnterpriseIotState,
    LicensedSites,
    Line,
    NoticeState,
    PendingChange,
    Period,
    PlanState,
    PlanTerms,
    SensorState,
    SiteState,
    StatementState,
)
from shared.events.wire import Money, eight_decimals, major_units

_INVOICED_ELSEWHERE: Final = "Site licenses are invoiced to the tenant as a whole: GET /v1/invoices."


def state_of(plan: OtPlan, known: Known, *, now: datetime, detected: int = 0) -> PlanState:
    """The plan as events and the API show it at `now`; `detected` devices are counted on its subscription."""
    running = _service(plan, known, now=now)
    return PlanState(
        subscription_id=plan.subscription_id,
        status=plan.status,
        price_plan=plan.price_plan,
        licensed_sites=[
            LicensedSites(site_size=size.site_size, max_devices=size.max_devices, quantity=size.quantity)
            for size in plan.licensed_sites
        ],
        committed_devices=plan.committed_devices,
        sites=plan.sites,
        detected_devices=detected,
        terms_accepted_at=plan.terms_accepted_at,
        pending_change=None if plan.pending is None else _pending_change(plan.pending),
        service_state=running.state,
        service_stops_at=running.stops_at,
        data_purged_at=running.data_purged_at,
        version=plan.version,
        as_of=now if plan.legacy else known.heard_until or plan.added_at,
    )


def _service(plan: OtPlan, known: Known, *, now: datetime) -> Service:
    if not plan.is_on:
        return Service("stopped", None, None)
    # A legacy plan is paid for by itself, whatever licenses there are.
    return Service("running", None, None) if plan.legacy else service(known.holdings, now=now)


def _pending_change(pending: Pending) -> PendingChange:
    return PendingChange(
        kind=pending.kind,
        requested_at=pending.requested_at,
        effective_at=pending.effective_at,
        to=None
        if (to := pending.to) is None
        else PlanTerms(price_plan=to.price_plan, committed_devices=to.committed_devices, sites=to.sites),
    )


def added(session: Session, plan: OtPlan, state: PlanState, *, now: datetime) -> None:
    """Publish that a plan was added."""
    _publish(session, plan, PlanAdded(plan=state, changed=(), previous={}), now)


def plan_changed(
    session: Session,
    plan: OtPlan,
    happened: type[PlanEvent],
    before: PlanState,
    after: PlanState,
    *,
    now: datetime,
) -> None:
    """Publish what happened to a plan that was there before."""
    changed, previous = changes(before, after, except_for=["as_of"])
    _publish(session, plan, happened(plan=after, changed=changed, previous=previous), now)


def _publish(session: Session, plan: OtPlan, event: PlanEvent, now: datetime) -> None:
    outbox.add(session, event, event.envelope(**_happened(plan.tenant_id, now)))


class _Happened(TypedDict):
    tenant_id: UUID
    time: datetime
    traceparent: str | None


def _happened(tenant_id: UUID, now: datetime) -> _Happened:
    """What every envelope says: whose it is, when it was, and which request is behind it."""
    return {"tenant_id": tenant_id, "time": now, "traceparent": tracing.traceparent.get()}


def site_state(site: Site, *, devices: int) -> SiteState:
    """The site as events and the API show it."""
    return SiteState(
        name=site.name,
        display_name=site.display_name,
        site_size=site.site_size,
        max_devices=site.max_devices,
        detected_devices=devices,
        entitled=site.entitled,
        license_id=site.license_id,
        tags=dict(site.tags),
        owners=site.owners,
        zones=site.zones,
        version=site.version,
    )


def site_changed(
    session: Session, site: Site, before: SiteState | None, after: SiteState, *, now: datetime
) -> None:
    """Publish a change of a site; one of its entitlement, also by its making or its end, has a type of its own."""
    was = None if before is None else before.entitled
    changed, previous = changes(before, after, except_for=["detected_devices"])
    if before is None:
        changed, previous = ("entitled",), {"entitled": None}
    made = SiteChanged if was == after.entitled else SiteEntitlementChanged
    event = made(site=after, changed=changed, previous=previous)
    envelope = event.envelope(subscription_id=site.subscription_id, **_happened(site.tenant_id, now))
    outbox.add(session, event, envelope)


def sensor_state(sensor: Sensor) -> SensorState:
    """The sensor as events and the API show it."""
    return SensorState(
        name=sensor.name,
        site=sensor.site,
        zone=sensor.zone,
        type=sensor.type,
        management=sensor.management,
        activation_state=sensor.activation_state,
        activated_at=sensor.activated_at,
        notices=["SensorReactivationRequired"] if sensor.needs_reactivation else [],
        version=sensor.version,
    )


def sensor_changed(
    session: Session,
    sensor: Sensor,
    happened: type[SensorEvent],
    before: SensorState | None,
    after: SensorState,
    *,
    now: datetime,
) -> None:
    """Publish what happened to a sensor."""
    changed, previous = changes(before, after)
    event = happened(sensor=after, changed=changed, previous=previous)
    envelope = event.envelope(subscription_id=sensor.subscription_id, **_happened(sensor.tenant_id, now))
    outbox.add(session, event, envelope)


def enterprise_iot_state(plan: EnterpriseIot) -> EnterpriseIotState:
    """Enterprise IoT on a subscription as events and the API show it."""
    return EnterpriseIotState(status=plan.status, legacy=plan.legacy, effective_at=plan.effective_at)


def enterprise_iot_changed(
    session: Session,
    plan: EnterpriseIot,
    before: EnterpriseIotState,
    after: EnterpriseIotState,
    *,
    now: datetime,
) -> None:
    """Publish that Enterprise IoT was turned on or off, or that its end was confirmed."""
    changed, previous = changes(before, after)
    event = EnterpriseIotChanged(enterprise_iot=after, changed=changed, previous=previous)
    envelope = event.envelope(
        subscription_id=plan.subscription_id,
        version=plan.version,
        **_happened(plan.tenant_id, now),
    )
    outbox.add(session, event, envelope)


def notice_state(open_: OpenNotice) -> NoticeState:
    """The notice as events and the API show it."""
    notice = open_.notice
    return NoticeState(
        id=open_.id,
        code=notice.code,
        severity=notice.severity,
        resource=notice.resource,
        text=notice.text,
        link=notice.link,
        since=open_.since,
    )


def notice_raised(session: Session, raised: OpenNotice, *, now: datetime) -> None:
    """Publish that something needs a person's eye."""
    _publish_notice(session, raised, NoticeRaised(notice=notice_state(raised), changed=(), previous={}), now)


def notice_cleared(session: Session, cleared: OpenNotice, *, now: datetime) -> None:
    """Publish that the cause of a notice has gone."""
    _publish_notice(
        session, cleared, NoticeCleared(notice=notice_state(cleared), changed=(), previous={}), now
    )


def _publish_notice(session: Session, told: OpenNotice, event: NoticeEvent, now: datetime) -> None:
    envelope = event.envelope(
        key=told.notice.subscription_id or told.tenant_id,
        version=told.version,
        **_happened(told.tenant_id, now),
    )
    outbox.add(session, event, envelope)


def statement_state(statement: Statement) -> StatementState:
    """The statement as events and the API show it."""
    return StatementState(
        subscription_id=statement.subscription_id,
        month=statement.month.isoformat()[:7],
        status="closed" if statement.is_closed else "draft",
        period=Period(start=statement.month, end=statement.closes_at),
        currency=statement.currency,
        lines=[_line(statement, line) for line in statement.lines],
        total=Money.of(statement.total, statement.currency),
        closes_at=statement.closes_at,
        note=_INVOICED_ELSEWHERE if statement.has_site_licenses else None,
    )


def _line(statement: Statement, line: StatementLine) -> Line:
    is_trial = line.price_plan == "trial"
    return Line(
        kind="charge",
        text=f"Trial of {line.quantity:,} devices"
        if is_trial
        else f"{line.quantity:,} committed devices, {line.price_plan}",
        resource=f"plan/{statement.subscription_id}",
        sku=None,
        version=line.version,
        start=line.starts_at,
        end=line.ends_at,
        basis="seconds",
        in_effect=line.in_effect,
        in_period=line.in_period,
        rate=major_units(line.rate),
        quantity=line.quantity,
        unrounded=eight_decimals(line.unrounded),
        amount=major_units(line.amount),
        rule="B60" if is_trial else "B58",
    )


def statement_closed(session: Session, statement: StatementState, *, tenant_id: UUID, now: datetime) -> None:
    """Publish that a month is over, and its statement final."""
    event = StatementClosed(statement=statement, changed=("status",), previous={"status": "draft"})
    envelope = event.envelope(version=1, **_happened(tenant_id, now))
    outbox.add(session, event, envelope)
