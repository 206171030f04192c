"""What time does by itself, in order and each thing as of its due time, however late it is done (B21)."""

from datetime import datetime
from typing import Final

from services.licensing.commands.record import record
from services.licensing.domain.license import License
from services.licensing.domain.passing import SoldAt, step, until
from services.licensing.store import invoices, licenses
from shared.db.database import Session

ACTOR: Final = "siteward"
"""Who the audit says it was."""
_MOST: Final = 500


async def pass_time(session: Session, now: datetime, settled: datetime, *, sold_at: SoldAt) -> bool:
    """Do what is due next for the session's tenant, which is locked; false where nothing is due by `now`.

    A month is closed once all that was written in it is settled. One call does what is due at one moment, up
    to a number that one transaction carries well.
    """
    due = await licenses.next_due(session)
    closing = await invoices.next_to_close(session)
    if closing is not None and closing <= settled and (due is None or closing <= due):
        await invoices.close(session, session.tenant_id, end=closing)
        return True
    if due is None or due > now:
        return False
    for license in await licenses.lock_due(session, now, most=_MOST):
        record(session, license, step(license, sold_at), by=ACTOR)
    return True


async def catch_up(session: Session, license: License, now: datetime, sold_at: SoldAt) -> License:
    """The license, which the session has locked, as time has made it by `now`.

    A command must not find a license in a state that is past only because the scheduler is behind.
    """
    for change in until(license, now, sold_at):
        record(session, license, change, by=ACTOR)
        await session.flush()  # each step is a version of its own
        license = change.license
    return license
