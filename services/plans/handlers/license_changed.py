"""A tenant's licenses have changed: what it holds is summed up anew, and its plans follow (B29, B30).

Every license event carries the whole license, so one handler serves all of them, a purchase, a cancel or
whatever comes: only the license's state before and after matters.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.plans import events
from services.plans.commands.enterprise_iot import license_gone
from services.plans.commands.entitle import entitle
from services.plans.commands.record_plan import write_plan
from services.plans.commands.settle_notices import raise_notices, settle_notices
from services.plans.commands.stop_service import expect_next
from services.plans.commands.supersede_console_files import supersede_console_files
from services.plans.domain.holdings import ENDED, Held
from services.plans.domain.notice import ABOUT_LICENSES
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.service import expected, service
from services.plans.domain.service_notices import about_license, license_resource
from services.plans.store import audit, device_counts, holdings, ot_plans
from services.plans.store.holdings import Known
from shared import tracing
from shared.db.database import Session
from shared.events.envelope import Envelope
from shared.events.licensing import LicenseEvent
from shared.events.plans import PlanPricePlanChanged
from shared.kafka.consumer import Received, VersionGap


async def license_changed(session: Session, received: Sequence[Received]) -> None:
    """Apply license events of any tenants, older ones of a license before newer ones.

    Raises VersionGap where an event of a license is missing.
    """
    told = [(one, one.event) for one in received if isinstance(one.event, LicenseEvent)]
    before, following = await ot_plans.lock_following(session, {one.envelope.tenantid for one, _ in told})
    licenses = await _known_before(session, told)
    known = set(licenses)
    after = dict(before)
    fresh: dict[UUID, UUID] = {}
    causes: dict[UUID, Envelope] = {}
    told_of: dict[UUID, dict[UUID, LicenseEvent]] = {}
    for one, event in told:
        tenant, license_id = one.envelope.tenantid, event.license.id
        old = licenses.get(license_id)
        if not _is_next(old, event.license.version, license_id):
            continue
        licenses[license_id] = now = _held(event, old, at=one.envelope.time)
        after[tenant] = _heard(after[tenant], old, now, one.envelope.time)
        fresh[license_id] = tenant
        causes[tenant] = one.envelope
        told_of.setdefault(tenant, {})[license_id] = event
    for license_id, tenant in fresh.items():
        holdings.save_held(session, tenant, licenses[license_id], known=license_id in known)
    for tenant in causes:
        holdings.save(session, tenant, after[tenant])
    if not causes:
        return
    following = [one for one in following if one.plan.tenant_id in causes]
    devices = await _devices_of(session, [one.plan for one in following if one.has_devices], after)
    for plan in (each.plan for each in following):
        tenant, detected = plan.tenant_id, devices.get(plan.subscription_id, 0)
        _follow(session, plan, before[tenant], after[tenant], detected=detected, cause=causes[tenant])
    for tenant, cause in causes.items():
        own = [each for each in following if each.plan.tenant_id == tenant]
        await _consequences(
            session,
            tenant,
            before[tenant],
            after[tenant],
            [(licenses[license_id], event) for license_id, event in told_of[tenant].items()],
            known=known,
            has_plan=bool(own),
            has_sites=any(each.has_sites for each in own),
            cause=cause,
        )
        if before[tenant].holdings.enterprise_iot and not after[tenant].holdings.enterprise_iot:
            await license_gone(session, [tenant], at=after[tenant].heard_until or cause.time)
        if any(each.has_files for each in own):
            await supersede_console_files(
                session, tenant, after[tenant].holdings, at=after[tenant].heard_until or cause.time
            )


async def _known_before(session: Session, told: Sequence[tuple[Received, LicenseEvent]]) -> dict[UUID, Held]:
    """The licenses told of that were told of before; a purchase is not looked for where PostgreSQL will say so."""
    asked = {event.license.id for one, event in told if event.license.version > 1 or not one.taken_for_new}
    return await holdings.held(session, asked) if asked else {}


async def _consequences(
    session: Session,
    tenant: UUID,
    before: Known,
    after: Known,
    told: Sequence[tuple[Held, LicenseEvent]],
    *,
    known: AbstractSet[UUID],
    has_plan: bool,
    has_sites: bool,
    cause: Envelope,
) -> None:
    """What a change of licenses means for sites and notices; most purchases mean nothing for them."""
    at, held = after.heard_until or cause.time, after.holdings
    tracing.traceparent.set(cause.traceparent)
    was = service(before.holdings, now=before.heard_until or at)
    if has_sites or (has_plan and was != service(held, now=at)):
        await session.flush()  # what the licenses give is read from where they are kept
        await entitle(session, tenant, held, at=at, reason=cause.subject)
    if has_sites and not held.any_in_use:
        await expect_next(session, tenant, held, after.due_at, at=at)
    wanted = {
        license.license_id: about_license(
            license, has_plan=has_plan, ends=not event.license.auto_renew, at=at
        )
        for license, event in told
    }
    if heard_again := [license_id for license_id in wanted if license_id in known]:
        await settle_notices(
            session,
            about=[license_resource(license_id) for license_id in heard_again],
            wanted=[notice for license_id in heard_again for notice in wanted[license_id]],
            at=at,
            tenant_id=tenant,
            codes=ABOUT_LICENSES,
        )
    new = [notice for license_id, about in wanted.items() if license_id not in known for notice in about]
    raise_notices(session, tenant, new, at=at)


def _is_next(old: Held | None, version: int, license_id: UUID) -> bool:
    """False for what is known already. Raises VersionGap."""
    have = 0 if old is None else old.version
    if version > have + 1:
        raise VersionGap(f"license {license_id}: version {version} came after {have}")
    return version == have + 1


def _held(event: LicenseEvent, old: Held | None, *, at: datetime) -> Held:
    license = event.license
    ended_at = ((old and old.ended_at) or at) if license.status in ENDED else None
    return Held(
        license_id=license.id,
        sku=license.sku,
        site_size=license.site_size,
        max_devices=license.max_devices,
        quantity=license.quantity,
        status=license.status,
        purchased_at=license.purchased_at,
        term_end=license.term_end,
        ended_at=ended_at,
        version=license.version,
    )


def _heard(known: Known, old: Held | None, now: Held, at: datetime) -> Known:
    summed, heard_until = known.holdings.after(old, now), max(known.heard_until or at, at)
    due_at = expected(known.holdings, summed, due_at=known.due_at, now=heard_until)
    return replace(known, holdings=summed, heard_until=heard_until, due_at=due_at)


async def _devices_of(
    session: Session, plans: Sequence[OtPlan], known: Mapping[UUID, Known]
) -> dict[UUID, int]:
    """How many devices are counted, by subscription; a question for each tenant."""
    subscriptions: dict[UUID, list[UUID]] = {}
    for plan in plans:
        subscriptions.setdefault(plan.tenant_id, []).append(plan.subscription_id)
    found: dict[UUID, int] = {}
    for tenant, own in subscriptions.items():
        if (now := known[tenant].heard_until) is not None:
            found |= await device_counts.of_subscriptions(session, own, now=now, tenant_id=tenant)
    return found


def _follow(
    session: Session, plan: OtPlan, before: Known, after: Known, *, detected: int, cause: Envelope
) -> None:
    derived = plan.derived_from(after.holdings)
    if derived is plan:
        return
    now = after.heard_until or plan.added_at
    was = events.state_of(plan, before, now=now, detected=detected)
    state = events.state_of(derived, after, now=now, detected=detected)
    tracing.traceparent.set(cause.traceparent)
    write_plan(
        session, derived, PlanPricePlanChanged, was, state, by=audit.ACTOR, at=now, reason=cause.subject
    )
