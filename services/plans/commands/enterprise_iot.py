"""The order of work of Enterprise IoT on a subscription: turned on and off, by somebody or by itself."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.plans import events
from services.plans.domain.enterprise_iot import END, EnterpriseIot
from services.plans.domain.holdings import Holdings
from services.plans.store import audit, enterprise_iot, holdings, operations
from shared.db.database import Session
from shared.identity import Principal
from shared.ids import new_id


async def lock(session: Session, subscription_id: UUID, now: datetime) -> tuple[EnterpriseIot, Holdings]:
    """As it is on the subscription by `now`, and what the tenant's licenses allow; both held until the session ends."""
    known = (await holdings.lock(session, [session.tenant_id]))[session.tenant_id]
    found = await enterprise_iot.lock(session, subscription_id)
    if found.due_at is not None and found.due_at <= now:
        # A command must not find an end pending that is past only because the scheduler is behind.
        found = _turn_off(session, found, by=audit.ACTOR, at=found.due_at)
        await session.flush()  # each step is a version of its own
    return found, known.holdings


def turn_on(
    session: Session, before: EnterpriseIot, held: Holdings, *, by: Principal, now: datetime
) -> EnterpriseIot:
    """Turn on what the session has locked; what is on already stays as it is.

    Raises ChangePending where its end is pending, NoEnterpriseIotLicense.
    """
    after = before.turned_on(held, now=now)
    _record(session, before, after, by=by.id, at=now)
    return after


def cancel(
    session: Session, before: EnterpriseIot, held: Holdings, *, by: Principal, now: datetime
) -> EnterpriseIot:
    """Turn off what the session has locked, at once or, a legacy one, an hour later.

    Raises EnterpriseIotLicenseActive.
    """
    after = before.cancelled(held, operation_id=new_id(), now=now)
    if after is before:
        return before
    if after.operation_id is not None and after.due_at is not None:
        operations.begin(
            session,
            after.operation_id,
            tenant_id=after.tenant_id,
            subscription_id=after.subscription_id,
            kind=END,
            resource=f"/v1/subscriptions/{after.subscription_id}/enterprise-iot",
            now=now,
            effective_at=after.due_at,
        )
    _record(session, before, after, by=by.id, at=now)
    return after


async def end_with_plan(session: Session, subscription_id: UUID, *, by: str, at: datetime) -> None:
    """Turn it off where the OT plan of the subscription ends (B38), whatever covers it."""
    _turn_off(session, await enterprise_iot.lock(session, subscription_id), by=by, at=at)


async def end_with_trial(session: Session, subscription_id: UUID, *, at: datetime) -> None:
    """Turn off what was taken over with a legacy trial, which ends; what licenses cover goes on (section 2.3)."""
    before = await enterprise_iot.lock(session, subscription_id)
    if before.legacy:
        _turn_off(session, before, by=audit.ACTOR, at=at)


async def license_gone(session: Session, tenant_ids: Collection[UUID], *, at: datetime) -> None:
    """Turn off what the licenses of these tenants covered, the last of which has gone."""
    for before in await enterprise_iot.lock_licensed(session, tenant_ids):
        _turn_off(session, before, by=audit.ACTOR, at=at)


async def enterprise_iot_due(session: Session, at: datetime) -> None:
    """Let the confirmed ends take effect that are due at `at` for the session's tenant, which is locked."""
    for before in await enterprise_iot.lock_due(session, at):
        _turn_off(session, before, by=audit.ACTOR, at=at)


def begin_legacy(
    session: Session, subscription_id: UUID, *, tenant_id: UUID, by: str, at: datetime
) -> EnterpriseIot:
    """Turn it on for an existing customer's subscription, which is new here."""
    before = EnterpriseIot(subscription_id, tenant_id)
    after = before.turned_on_as_legacy(at=at)
    _record(session, before, after, by=by, at=at)
    return after


def _turn_off(session: Session, before: EnterpriseIot, *, by: str, at: datetime) -> EnterpriseIot:
    if before.operation_id is not None:
        operations.finish(session, before.operation_id, "succeeded", at=at)
    after = before.turned_off(at=at)
    _record(session, before, after, by=by, at=at)
    return after


def _record(session: Session, before: EnterpriseIot, after: EnterpriseIot, *, by: str, at: datetime) -> None:
    if after is before:
        return
    was, state = events.enterprise_iot_state(before), events.enterprise_iot_state(after)
    enterprise_iot.save(session, after)
    events.enterprise_iot_changed(session, after, was, state, now=at)
    audit.record(
        session,
        _action(before, after),
        tenant_id=after.tenant_id,
        subscription_id=after.subscription_id,
        actor=by,
        at=at,
        resource=f"enterprise_iot/{after.subscription_id}",
        before=was,
        after=state,
    )


def _action(before: EnterpriseIot, after: EnterpriseIot) -> str:
    if before.status == after.status:
        return "enterprise_iot.cancel_requested"
    return f"enterprise_iot.turned_{after.status}"
