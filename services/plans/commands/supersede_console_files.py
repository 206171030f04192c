"""The order of work of finding that a console's file says other figures than hold now (B72, B73)."""

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.console_file import devices_of
from services.plans.domain.holdings import Holdings
from services.plans.store import console_files
from shared.db.database import Session


async def supersede_console_files(session: Session, tenant_id: UUID, held: Holdings, *, at: datetime) -> None:
    """Supersede the tenant's files whose figure has changed, or one of whose plans has ended, as of `at` (aware UTC).

    The session holds the tenant's lock; what it has gathered is written first.
    """
    current = await console_files.lock_current(session, tenant_id)
    if not current:
        return
    await session.flush()
    plans = await console_files.counted(session, tenant_id)
    for one in current:
        covered = [plans[subscription] for subscription in one.planned(plans)]
        is_whole = len(covered) == len(one.subscription_ids)
        if is_whole and devices_of(covered, held) == one.devices:
            continue
        console_files.supersede(session, one.id, at=at)
        superseded = replace(one, superseded_at=at)
        wanted = [superseded.notice()] if covered else []
        await settle_notices(session, about=[one.resource], wanted=wanted, at=at, tenant_id=tenant_id)


async def forget_console_files(session: Session, subscription_id: UUID, *, at: datetime) -> None:
    """Tell no longer of files that are superseded and of use to nobody, now that this subscription's plan has ended.

    The session holds the tenant's lock; what it has gathered is written first.
    """
    await session.flush()
    plans = await console_files.counted(session, session.tenant_id)
    useless = [
        one for one in await console_files.covering(session, [subscription_id]) if not one.planned(plans)
    ]
    await settle_notices(session, about=[one.resource for one in useless], wanted=[], at=at)
