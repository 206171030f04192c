"""Does what falls due: for each tenant in order, as one loop of a worker.

The schedule is in the rows themselves: a service says by SQL which tenants have something due, and by a
function what becomes of it. Nothing is remembered here, so a restart after any outage goes on where it was.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, select

from shared.clock import wall_clock
from shared.db.database import Database, Session
from shared.db.statement import Statement
from shared.db.tables import tenants

_PAUSE: Final = 0.5
_SANDBOX_PAUSE: Final = 0.05

SETTLED_AFTER: Final = timedelta(seconds=60)
"""How long after a moment of the world's clock no write made before it can still be under way."""

PassTime = Callable[[Session, datetime, datetime], Awaitable[bool]]
"""Does what is due next for a tenant that is locked; false where nothing is due.

Takes `now`, and the moment up to which all writes of the tenant are known to be committed.
"""

_LOCK: Final = Statement(
    select(tenants.c.clock).where(tenants.c.tenant_id == bindparam("tenant")).with_for_update()
)
_ADVANCING: Final = Statement(
    select(tenants.c.tenant_id).where(tenants.c.clock.is_not(None), tenants.c.advancing_to.is_not(None))
)


async def keep_schedule(
    database: Database, watch: Database, *, due: Statement, pass_time: PassTime, sandboxes: bool
) -> None:
    """Run for ever.

    `watch` sees when something of any tenant falls due and nothing more; `due` takes `now` and gives the
    `tenant_id` of those on the world's clock. Sandboxes are served while their clock is being advanced.
    """
    clock = asyncio.get_running_loop().time
    look_at = clock()
    while True:
        waiting = await watch.rows(_ADVANCING) if sandboxes else []
        if clock() >= look_at:
            waiting += await watch.rows(due, now=wall_clock())
            look_at = clock() + _PAUSE
        for row in waiting:
            await _serve(database, row["tenant_id"], pass_time)
        await asyncio.sleep(_SANDBOX_PAUSE if sandboxes else _PAUSE)


async def _serve(database: Database, tenant: UUID, pass_time: PassTime) -> None:
    """Do all that is due for the tenant, a transaction for each moment."""
    more = True
    while more:
        async with database.begin(tenant) as session:
            row = await session.row(_LOCK, tenant=tenant)
            if row is None:
                return
            own = row["clock"]
            now = own or wall_clock()
            more = await pass_time(session, now, own or now - SETTLED_AFTER)
