"""The order of work of forgetting the devices of sites."""

from collections.abc import Collection
from uuid import UUID

from services.plans.store import device_counts
from shared.db.database import Session


async def forget_devices(session: Session, site_ids: Collection[UUID]) -> None:
    """Forget the devices of sites that were deleted, or whose data are purged: from now on none is counted.

    What is known of them is deleted soon after, in portions that a transaction carries well. Notices about their
    number are settled by `settle_count_notices`, afterwards. What the session has gathered is written first.
    """
    await session.flush()
    for one in await device_counts.lock_of_sites(session, site_ids):
        device_counts.forget(session, one)
