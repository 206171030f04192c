"""How many devices are counted, in PostgreSQL: read at the same cost however many there are."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, ColumnElement, Uuid, bindparam, cast, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.plans.store.tables import device_counts, devices
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import Moment
from shared.ids import new_id

_NOW: Final = bindparam("now", type_=Moment)
_SITES: Final = cast(bindparam("sites"), ARRAY(Uuid)).any_()


def count_at(now: ColumnElement[datetime]) -> ColumnElement[int]:
    """Devices of a site: those in the sum, less the ones that have gone idle and are not swept yet (B46)."""
    idle = (
        select(func.count())
        .where(
            devices.c.inventory_id == device_counts.c.inventory_id,
            devices.c.counted,
            devices.c.counted_until < now,
        )
        .correlate_except(devices)
        .scalar_subquery()
    )
    return device_counts.c.counted - idle


COUNT: Final = count_at(_NOW)
"""The same at the parameter `now`."""
_OF_SITES: Final = Statement(
    select(device_counts.c.site_id, COUNT.label("devices")).where(
        device_counts.c.tenant_id == bindparam("tenant"), device_counts.c.site_id == _SITES
    )
)
_OF_SUBSCRIPTIONS: Final = Statement(
    select(device_counts.c.subscription_id, func.sum(COUNT).label("devices"))
    .where(
        device_counts.c.tenant_id == bindparam("tenant"),
        device_counts.c.subscription_id == cast(bindparam("subscriptions"), ARRAY(Uuid)).any_(),
        device_counts.c.site_id.is_not(None),
    )
    .group_by(device_counts.c.subscription_id)
)
_SUM: Final = select(
    device_counts.c.inventory_id,
    device_counts.c.site_id,
    device_counts.c.counted,
    device_counts.c.due_at,
    device_counts.c.sweep_at,
).where(device_counts.c.tenant_id == bindparam("tenant"))
_LOCK: Final = Statement(
    _SUM.where(
        device_counts.c.subscription_id == bindparam("subscription"),
        device_counts.c.site_id.is_not(None),
        or_(device_counts.c.site_id == _SITES, bindparam("all", type_=Boolean)),
    )
    .order_by(device_counts.c.site_id)
    .with_for_update()
)
_LOCK_OF_SITES: Final = Statement(
    _SUM.where(device_counts.c.site_id == _SITES).order_by(device_counts.c.site_id).with_for_update()
)
_LOCK_TO_SWEEP: Final = Statement(
    _SUM.where(device_counts.c.sweep_at <= _NOW).order_by(device_counts.c.sweep_at).limit(1).with_for_update()
)
_NEXT_DUE: Final = Statement(
    select(func.min(device_counts.c.due_at).label("due_at")).where(
        device_counts.c.tenant_id == bindparam("tenant")
    )
)
_DUE: Final = Statement(
    select(device_counts.c.subscription_id, device_counts.c.site_id)
    .where(device_counts.c.tenant_id == bindparam("tenant"), device_counts.c.due_at <= _NOW)
    .order_by(device_counts.c.due_at, device_counts.c.site_id)
    .limit(bindparam("most"))
)
_ENSURE: Final = Statement(
    insert(device_counts)
    .values(
        inventory_id=bindparam("inventory", type_=Uuid),
        site_id=bindparam("site", type_=Uuid),
        subscription_id=bindparam("subscription", type_=Uuid),
        tenant_id=bindparam("tenant", type_=Uuid),
        counted=0,
    )
    .on_conflict_do_nothing()
)
_DELETE: Final = Statement(
    delete(device_counts).where(device_counts.c.inventory_id == bindparam("inventory", type_=Uuid))
)
_AT_ONCE: Final = datetime(2000, 1, 1, tzinfo=UTC)
"""Before any moment that a clock of ours shows."""


class _Site(Protocol):
    @property
    def id(self) -> UUID: ...
    @property
    def subscription_id(self) -> UUID: ...
    @property
    def tenant_id(self) -> UUID: ...


@dataclass(frozen=True, slots=True)
class DeviceCount:
    """The sum of one site, which the session has locked."""

    inventory_id: UUID
    """Of which its devices are; another one once they were forgotten."""
    site_id: UUID | None
    """Null: forgotten."""
    counted: int
    """Devices in the sum, also those that have gone idle and are not swept yet."""
    due_at: datetime | None
    """When time alone may end a notice on the count."""
    sweep_at: datetime | None
    """When idle devices are to be taken out of the sum."""


async def of_sites(
    session: Session, site_ids: Collection[UUID], *, now: datetime, tenant_id: UUID | None = None
) -> dict[UUID, int]:
    """Devices of each site at `now`; sites without any may be missing.

    `tenant_id` is needed where the session has several tenants.
    """
    if not site_ids:
        return {}
    rows = await session.rows(_OF_SITES, tenant=tenant_id or session.tenant_id, sites=list(site_ids), now=now)
    return {row["site_id"]: row["devices"] for row in rows}


async def of_subscriptions(
    session: Session, subscription_ids: Collection[UUID], *, now: datetime, tenant_id: UUID | None = None
) -> dict[UUID, int]:
    """Devices of each subscription at `now`; subscriptions without any may be missing.

    `tenant_id` is needed where the session has several tenants.
    """
    if not subscription_ids:
        return {}
    rows = await session.rows(
        _OF_SUBSCRIPTIONS,
        tenant=tenant_id or session.tenant_id,
        subscriptions=list(subscription_ids),
        now=now,
    )
    return {row["subscription_id"]: int(row["devices"]) for row in rows}


async def lock(
    session: Session, subscription_id: UUID, site_ids: Collection[UUID], *, whole: bool
) -> list[DeviceCount]:
    """The sums of these sites, or of the whole subscription, held until the session ends; one order for everybody."""
    rows = await session.rows(
        _LOCK, tenant=session.tenant_id, subscription=subscription_id, sites=list(site_ids), all=whole
    )
    return [DeviceCount(**row) for row in rows]


def begin(session: Session, site: _Site) -> None:
    """The sum of a site that is made now."""
    session.writes.insert(
        device_counts,
        inventory_id=site.id,
        site_id=site.id,
        subscription_id=site.subscription_id,
        tenant_id=site.tenant_id,
        counted=0,
        due_at=None,
        sweep_at=None,
    )


def save(session: Session, count: DeviceCount) -> None:
    """Write the sum, which the session has locked, as it is now."""
    session.writes.update(
        device_counts,
        inventory_id=count.inventory_id,
        counted=count.counted,
        due_at=count.due_at,
        sweep_at=count.sweep_at,
    )


def forget(session: Session, count: DeviceCount) -> None:
    """Count nothing of the site any more; the sweep deletes what is known of its devices."""
    session.writes.update(
        device_counts,
        inventory_id=count.inventory_id,
        site_id=None,
        counted=0,
        due_at=None,
        sweep_at=_AT_ONCE,
    )


async def ensure(session: Session, subscription_id: UUID, site_id: UUID) -> None:
    """Let the site have a sum, should it have none: its data were purged."""
    await session.rows(
        _ENSURE,
        inventory=new_id(),
        site=site_id,
        subscription=subscription_id,
        tenant=session.tenant_id,
    )


async def delete_forgotten(session: Session, inventory_id: UUID) -> None:
    """Delete the sum of an inventory of which nothing is left."""
    await session.rows(_DELETE, inventory=inventory_id)


async def lock_of_sites(session: Session, site_ids: Collection[UUID]) -> list[DeviceCount]:
    """The sums of sites of any subscriptions, held until the session ends."""
    rows = await session.rows(_LOCK_OF_SITES, tenant=session.tenant_id, sites=list(site_ids))
    return [DeviceCount(**row) for row in rows]


async def lock_to_sweep(session: Session, now: datetime) -> DeviceCount | None:
    """The sum of the tenant that is to be swept first, held until the session ends."""
    row = await session.row(_LOCK_TO_SWEEP, tenant=session.tenant_id, now=now)
    return None if row is None else DeviceCount(**row)


async def next_due(session: Session) -> datetime | None:
    """When time alone may end a notice on a count of the tenant next."""
    row = await session.row(_NEXT_DUE, tenant=session.tenant_id)
    return None if row is None else row["due_at"]


async def due(session: Session, at: datetime, *, most: int) -> dict[UUID, list[UUID]]:
    """Sites to be looked at by `at`, up to a number, by subscription."""
    found: dict[UUID, list[UUID]] = {}
    for row in await session.rows(_DUE, tenant=session.tenant_id, now=at, most=most):
        found.setdefault(row["subscription_id"], []).append(row["site_id"])
    return dict(sorted(found.items()))
