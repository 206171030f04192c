"""The order of work of a change that somebody makes to a license."""

from datetime import datetime

from services.licensing.commands.pass_time import catch_up
from services.licensing.commands.record import record
from services.licensing.domain.change import Change
from services.licensing.domain.license import License
from services.licensing.domain.passing import SoldAt
from shared.db.database import Session
from shared.identity import Principal


async def make_change(
    session: Session,
    license: License,
    change: Change | None,
    *,
    by: Principal,
    now: datetime,
    sold_at: SoldAt,
) -> License:
    """Write the change of a license that the session has locked; the license afterwards.

    None is a change to what is so already, and writes nothing. What the change makes due at once is done too.
    """
    if change is None:
        return license
    record(session, license, change, by=by.id)
    if change.license.next_due_at is not None and change.license.next_due_at <= now:
        await session.flush()
        return await catch_up(session, change.license, now, sold_at)
    return change.license
