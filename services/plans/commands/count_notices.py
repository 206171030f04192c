"""The order of work of telling that there are more devices than a size or a commitment is for, and that no longer.

As long as such a notice is open, the site's sum (a legacy plan's first one) carries the moment at which it may
have gone by time alone: not later than it does, for what is seen meanwhile mostly puts it off.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.device_limit import CODES, Commitment, SiteLimit
from services.plans.store import device_counts, device_limits, devices
from services.plans.store.device_counts import DeviceCount
from services.plans.store.device_limits import Limits
from shared.db.database import Session

_NEXT_MOMENT: Final = timedelta(microseconds=1)
"""A device still counts at its last moment, and no longer at the one after it."""


async def settle_count_notices(
    session: Session, subscription_id: UUID, site_ids: Collection[UUID], *, at: datetime
) -> None:
    """Make the notices about the number of devices what the sites' sizes and the plan's commitment ask for as of `at`.

    To be called where one of these has changed, or a site was made or deleted. What the session has gathered is
    written first.
    """
    await session.flush()
    is_legacy = await device_limits.is_legacy(session, subscription_id)
    sums = await device_counts.lock(session, subscription_id, site_ids, whole=is_legacy)
    limits = await device_limits.of(session, subscription_id, site_ids, now=at)
    await settle_held(session, limits, sums, at=at)


async def catch_up(
    session: Session, subscription_id: UUID, sums: Sequence[DeviceCount], *, whole: bool, now: datetime
) -> Sequence[DeviceCount]:
    """The sums, which the session has locked, once what time has done by `now` is done.

    What is reported now must not keep a notice open that ended before.
    """
    while passed := [one.due_at for one in sums if one.due_at is not None and one.due_at <= now]:
        sites = [one.site_id for one in sums if one.site_id is not None]
        limits = await device_limits.of(session, subscription_id, sites, now=min(passed))
        await settle_held(session, limits, sums, at=min(passed))
        await session.flush()
        sums = await device_counts.lock(session, subscription_id, sites, whole=whole)
    return sums


async def settle_held(session: Session, limits: Limits, sums: Sequence[DeviceCount], *, at: datetime) -> None:
    """The same for limits as they are at `at` and the sums behind them, which the session has locked."""
    judged: tuple[Commitment | SiteLimit, ...] = (limits.commitment, *limits.sites)
    await settle_notices(
        session,
        about=[one.resource for one in judged],
        wanted=[notice for one in judged if (notice := one.notice) is not None],
        at=at,
        codes=CODES,
    )
    for one, due_at in (await _due(session, limits, sums, at=at)).items():
        if one.due_at != due_at:
            device_counts.save(session, replace(one, due_at=due_at))


async def _due(
    session: Session, limits: Limits, sums: Sequence[DeviceCount], *, at: datetime
) -> dict[DeviceCount, datetime | None]:
    """When each sum is to be looked at again."""
    above = {site.site_id: site.above for site in limits.sites}
    due = {
        one: await _falls_at(
            session, [one], above=0 if one.site_id is None else above.get(one.site_id, 0), at=at
        )
        for one in sums
    }
    if limits.commitment.above and sums:
        due[sums[0]] = await _falls_at(session, sums, above=limits.commitment.above, at=at)
    return due


async def _falls_at(
    session: Session, sums: Collection[DeviceCount], *, above: int, at: datetime
) -> datetime | None:
    if not above:
        return None
    last = await devices.falls_at(session, [one.inventory_id for one in sums], above=above, now=at)
    return None if last is None else last + _NEXT_MOMENT
