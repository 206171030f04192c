"""What time does to devices: those not seen for long are no longer counted (B46), and a notice may go with them."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.plans.commands.count_notices import settle_count_notices
from services.plans.store import device_counts, devices
from shared.db.database import Session

SWEPT_AFTER: Final = timedelta(hours=1)
"""How long an idle device may stay in the sum; until then it is subtracted whenever the sum is read."""
_MOST_SITES: Final = 100
_PORTION: Final = 10_000
"""Rows that one transaction carries well."""


async def devices_due(session: Session, at: datetime) -> None:
    """Look at the notices on the number of devices that time alone may end at `at`; some sites of the tenant."""
    for subscription_id, site_ids in (await device_counts.due(session, at, most=_MOST_SITES)).items():
        await settle_count_notices(session, subscription_id, site_ids, at=at)


async def sweep_devices(session: Session, now: datetime) -> bool:
    """Take a portion of the tenant's idle devices out of the sum of their site, or delete some that are forgotten.

    False where nothing is to be done. It changes nothing that anybody sees, so it has no due time of its own and
    may be done whenever nothing else is due.
    """
    one = await device_counts.lock_to_sweep(session, now)
    if one is None:
        return False
    if one.site_id is None:
        if not await devices.delete_some(session, one.inventory_id, most=_PORTION):
            await device_counts.delete_forgotten(session, one.inventory_id)
        return True
    idle = await devices.uncount_idle(session, one.inventory_id, now=now, most=_PORTION)
    sweep_at = None
    if idle == _PORTION:
        sweep_at = one.sweep_at
    elif (next_idle := await devices.earliest_idle(session, one.inventory_id)) is not None:
        sweep_at = next_idle + SWEPT_AFTER
    device_counts.save(session, replace(one, counted=one.counted - idle, sweep_at=sweep_at))
    return True
