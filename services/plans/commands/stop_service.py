"""What time does to the service of a tenant without an active site license: it stops, then its data go (B24)."""

from datetime import datetime
from uuid import UUID

from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.entitle import entitle
from services.plans.commands.forget_devices import forget_devices
from services.plans.domain.holdings import Holdings
from services.plans.domain.service import Service, next_change, service, turn
from services.plans.domain.service_notices import plan_resource
from services.plans.store import audit, holdings, ot_plans, sites
from shared.db.database import Session
from shared.events.wire import utc_text


async def service_due(session: Session, at: datetime) -> None:
    """Do what is due at `at` (aware UTC) to the service of the session's tenant, which is locked.

    A license that was cancelled is counted as expired no longer, the service stops, or its data are purged: sites
    and sensors stay as they are set up, and what sensors have seen goes (C16). The stop and the purge are audited on
    each subscription whose plan follows the licenses.
    """
    tenant = session.tenant_id
    held = (await holdings.lock(session, [tenant]))[tenant].holdings
    if service(held, now=at).state == "purged":
        found = await sites.following(session, tenant)
        await forget_devices(session, [site.id for site in found])
        for subscription in {site.subscription_id for site in found}:
            ids = [site.id for site in found if site.subscription_id == subscription]
            await settle_count_notices(session, subscription, ids, at=at)
    else:
        await entitle(session, tenant, held, at=at)
    if (turned := turn(held, at=at)) is not None:
        before, after = turned
        for subscription in await ot_plans.following(session, tenant):
            audit.record(
                session,
                f"service.{after.state}",
                tenant_id=tenant,
                subscription_id=subscription,
                actor=audit.ACTOR,
                at=at,
                resource=plan_resource(subscription),
                before=_told(before),
                after=_told(after),
            )
    await expect_next(session, tenant, held, next_change(held, after=at), at=at)


def _told(running: Service) -> dict[str, str | None]:
    """As a plan tells it."""
    return {
        "service_state": running.state,
        "service_stops_at": None if running.stops_at is None else utc_text(running.stops_at),
        "data_purged_at": None if running.data_purged_at is None else utc_text(running.data_purged_at),
    }


async def expect_next(
    session: Session, tenant_id: UUID, held: Holdings, due_at: datetime | None, *, at: datetime
) -> None:
    """Say when time changes the service next: at `due_at`, or before as a license's days of grace end."""
    ends_at = None if held.any_in_use else await holdings.next_end_of_grace(session, tenant_id, after=at)
    moments = [moment for moment in (due_at, ends_at) if moment is not None]
    holdings.expect(session, tenant_id, min(moments, default=None))
