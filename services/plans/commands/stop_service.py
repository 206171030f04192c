"""What time does to the service of a tenant without an active site license: it stops, then its data go (B24)."""

from datetime import datetime
from uuid import UUID

from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.entitle import entitle
from services.plans.commands.forget_devices import forget_devices
from services.plans.domain.holdings import Holdings
from services.plans.domain.service import next_change, service
from services.plans.store import holdings, sites
from shared.db.database import Session


async def service_due(session: Session, at: datetime) -> None:
    """Do what is due at `at` (aware UTC) to the service of the session's tenant, which is locked.

    A license that was cancelled is counted as expired no longer, the service stops, or its data are purged: sites
    and sensors stay as they are set up, and what sensors have seen goes (C16).
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
    await expect_next(session, tenant, held, next_change(held, after=at), at=at)


async def expect_next(
    session: Session, tenant_id: UUID, held: Holdings, due_at: datetime | None, *, at: datetime
) -> None:
    """Say when time changes the service next: at `due_at`, or before as a license's days of grace end."""
    ends_at = None if held.any_in_use else await holdings.next_end_of_grace(session, tenant_id, after=at)
    moments = [moment for moment in (due_at, ends_at) if moment is not None]
    holdings.expect(session, tenant_id, min(moments, default=None))
