"""What time it is for a tenant: the world's, or that of its own test clock."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ScalarSelect, Table, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import insert

from shared.clock import wall_clock
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import outbox, tenants

_REMEMBERED: Final = 100_000

_OF_TENANT: Final = tenants.c.tenant_id == bindparam("tenant")
_CLOCK: Final = Statement(select(tenants.c.clock).where(_OF_TENANT))
_CLOCK_LOCKED: Final = Statement(select(tenants.c.clock).where(_OF_TENANT).with_for_update())
_SETTLE: Final = Statement(
    insert(tenants)
    .values(tenant_id=bindparam("tenant"))
    .on_conflict_do_nothing()
    .returning(tenants.c.tenant_id)
)
_CREATE: Final = Statement(
    insert(tenants)
    .values(tenant_id=bindparam("tenant"), clock=bindparam("now"))
    .on_conflict_do_nothing()
    .returning(tenants.c.clock)
)
_STATE: Final = Statement(
    select(
        tenants.c.clock,
        tenants.c.advancing_to,
        select(func.count())
        .where(outbox.c.tenant_id == tenants.c.tenant_id)
        .scalar_subquery()
        .label("unsent"),
    ).where(_OF_TENANT)
)
_MOVE: Final = Statement(
    update(tenants)
    .where(_OF_TENANT, tenants.c.clock <= bindparam("now"))
    .values(clock=bindparam("now"), advancing_to=bindparam("advancing_to"))
    .returning(tenants.c.clock)
)


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The state of a tenant's own clock; `unsent` counts its events that Kafka does not have yet."""

    now: datetime
    advancing_to: datetime | None
    unsent: int


class Clocks:
    """Tells a tenant's `now`.

    A tenant can become a sandbox only before its first write in a service, and every first write leaves a
    row in `tenants`. So a tenant once found there without a clock lives by the world's clock for good, and
    is not asked about again.
    """

    def __init__(self, *, sandboxes: bool) -> None:
        self._sandboxes = sandboxes
        self._ordinary: set[UUID] = set()

    async def now(self, session: Session) -> datetime:
        """The tenant's present, for a session that only reads. Aware UTC."""
        if not self._sandboxes or session.tenant_id in self._ordinary:
            return wall_clock()
        row = await session.row(_CLOCK, tenant=session.tenant_id)
        return wall_clock() if row is None else self._told(session.tenant_id, row["clock"])

    async def now_for_write(self, session: Session, tenant: UUID | None = None) -> datetime:
        """The tenant's present, for a session that is about to write. Aware UTC.

        `tenant` is needed where the session has several tenants.

        Settles which clock the tenant lives by, and keeps a sandbox's clock where it is until the session
        ends, so that a change made before an advance is seen by it.
        """
        tenant = tenant or session.tenant_id
        if tenant in self._ordinary:
            return wall_clock()
        if await session.row(_SETTLE, tenant=tenant):
            return wall_clock()  # not remembered: this session may yet be rolled back
        row = await session.row(_CLOCK_LOCKED, tenant=tenant)
        return self._told(tenant, None if row is None else row["clock"])

    def _told(self, tenant: UUID, clock: datetime | None) -> datetime:
        if clock is not None:
            return clock
        if len(self._ordinary) >= _REMEMBERED:
            self._ordinary.clear()
        self._ordinary.add(tenant)
        return wall_clock()


async def create(session: Session, now: datetime) -> bool:
    """Give the tenant a clock of its own, standing at `now`; false if it has written anything before."""
    return await session.row(_CREATE, tenant=session.tenant_id, now=now) is not None


async def state(session: Session) -> Sandbox | None:
    """The tenant's clock, or None where it lives by the world's."""
    row = await session.row(_STATE, tenant=session.tenant_id)
    if row is None or row["clock"] is None:
        return None
    return Sandbox(row["clock"], row["advancing_to"], row["unsent"])


async def move(session: Session, now: datetime, *, advancing_to: datetime | None) -> bool:
    """Move the tenant's clock to `now`, never backwards; false if it has none or stands later."""
    return await session.row(_MOVE, tenant=session.tenant_id, now=now, advancing_to=advancing_to) is not None


def versions_in(table: Table) -> ScalarSelect[int]:
    """How many events there have been of a tenant's rows in a table: each of their versions has exactly one."""
    total = func.coalesce(func.sum(table.c.version), 0)
    return select(total).where(table.c.tenant_id == bindparam("tenant")).scalar_subquery()
