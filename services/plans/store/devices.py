"""Devices of sites in PostgreSQL: thousands of rows are read by one statement and written by one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Integer,
    Table,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    column,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from services.plans.domain.device import Seen
from services.plans.domain.inventory import Row
from services.plans.domain.site import name_key
from services.plans.store.tables import device_addresses, devices, sensors, sites
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import Moment

_INVENTORY: Final = bindparam("inventory", type_=Uuid)
_ZONE: Final = bindparam("zone", type_=Text)
_NOW: Final = bindparam("now", type_=Moment)
_MOST: Final = bindparam("most", type_=Integer)

_PLACE: Final = Statement(
    select(sensors.c.name, sensors.c.zone, sites.c.id, sites.c.tenant_id, sites.c.subscription_id)
    .join(
        sites,
        (sites.c.subscription_id == sensors.c.subscription_id) & (sites.c.name_key == sensors.c.site_key),
    )
    .where(
        sensors.c.tenant_id == bindparam("tenant"),
        sensors.c.subscription_id == bindparam("subscription"),
        sensors.c.name_key == bindparam("name_key"),
        sensors.c.deleted.is_(False),
        sites.c.coverage != "deleted",
    )
)

# Row by row, each by the primary key: what the planner believes of a table that grows this fast cannot mislead it.
_ASKED: Final = (
    func.unnest(cast(bindparam("asked"), ARRAY(Text)))
    .table_valued(column("value", Text), name="asked")
    .render_derived()
)
_ROW: Final = (
    select(devices)
    .where(
        devices.c.inventory_id == _INVENTORY,
        devices.c.zone == _ZONE,
        devices.c.identity == _ASKED.c.value,
    )
    .limit(1)
    .lateral("found")
)
_ROWS: Final = Statement(
    select(_ROW.c.identity, _ROW.c.last_seen, _ROW.c.counted_until, _ROW.c.kind, _ROW.c.counted).select_from(
        _ASKED.join(_ROW, true())
    )
)
_CLAIM: Final = (
    select(func.array_agg(device_addresses.c.identity).label("identities"))
    .where(
        device_addresses.c.inventory_id == _INVENTORY,
        device_addresses.c.zone == _ZONE,
        device_addresses.c.address == _ASKED.c.value,
    )
    .lateral("found")
)
_CLAIMS: Final = Statement(
    select(_ASKED.c.value, _CLAIM.c.identities)
    .select_from(_ASKED.join(_CLAIM, true()))
    .where(_CLAIM.c.identities.is_not(None))
)
_HAS_CLAIMS: Final = Statement(
    select(device_addresses.c.address)
    .where(device_addresses.c.inventory_id == _INVENTORY, device_addresses.c.zone == _ZONE)
    .limit(1)
)


_CHANGING: Final = (
    devices.c.identity,
    devices.c.kind,
    devices.c.last_seen,
    devices.c.counted_until,
    devices.c.counted,
)
_GIVEN: Final = (
    func.unnest(*(cast(bindparam(one.name), ARRAY(one.type)) for one in _CHANGING))
    .table_valued(*(column(one.name, one.type) for one in _CHANGING), name="given")
    .render_derived()
)
_INSERT: Final = insert(devices).from_select(
    ["inventory_id", "zone", "tenant_id", *(one.name for one in _CHANGING)],
    select(_INVENTORY, _ZONE, bindparam("tenant", type_=Uuid), *(_GIVEN.c[one.name] for one in _CHANGING)),
)
_SAVE: Final = Statement(
    _INSERT.on_conflict_do_update(
        index_elements=["inventory_id", "zone", "identity"],
        set_={one.name: _INSERT.excluded[one.name] for one in _CHANGING[1:]},
    )
)

_OTHERS: Final = bindparam("others", type_=Integer)
_INVENTORIES: Final = (
    func.unnest(cast(bindparam("inventories"), ARRAY(Uuid)))
    .table_valued(column("id", Uuid), name="inventories")
    .render_derived()
)
_FIRST: Final = (
    select(devices.c.counted_until)
    .where(
        devices.c.inventory_id == _INVENTORIES.c.id,
        devices.c.counted,
        devices.c.counted_until >= _NOW,
    )
    .order_by(devices.c.counted_until)
    .limit(_OTHERS + 1)
    .lateral("first")
)
_FALLS: Final = Statement(
    select(_FIRST.c.counted_until)
    .select_from(_INVENTORIES.join(_FIRST, true()))
    .order_by(_FIRST.c.counted_until)
    .offset(_OTHERS)
    .limit(1)
)

# By the rows' places, which the site's lock keeps as they are: a join would read all of a table of millions.
_idle: Final = devices.alias("idle")
_IDLE: Final = (
    select(literal_column("idle.ctid"))
    .select_from(_idle)
    .where(_idle.c.inventory_id == _INVENTORY, _idle.c.counted, _idle.c.counted_until < _NOW)
    .order_by(_idle.c.counted_until)
    .limit(_MOST)
    .scalar_subquery()
)
_UNCOUNTED: Final = (
    update(devices)
    .where(literal_column("devices.ctid") == any_(func.array(_IDLE)))
    .values(counted=False)
    .returning(devices.c.zone)
    .cte("uncounted")
)
_UNCOUNT: Final = Statement(select(func.count().label("rows")).select_from(_UNCOUNTED))
_EARLIEST: Final = Statement(
    select(func.min(devices.c.counted_until).label("counted_until")).where(
        devices.c.inventory_id == _INVENTORY, devices.c.counted
    )
)


def _delete_some(of: Table) -> Statement:
    """Delete up to `most` rows of an inventory, and say how many there were."""
    portion = of.alias("portion")
    places = (
        select(literal_column("portion.ctid"))
        .select_from(portion)
        .where(portion.c.inventory_id == _INVENTORY)
        .limit(_MOST)
        .scalar_subquery()
    )
    gone = (
        delete(of)
        .where(literal_column(f"{of.name}.ctid") == any_(func.array(places)))
        .returning(of.c.zone)
        .cte("gone")
    )
    return Statement(select(func.count().label("rows")).select_from(gone))


_DELETE: Final = (_delete_some(devices), _delete_some(device_addresses))


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sensor is."""

    sensor: str
    zone: str
    """In lower case, for a zone may be spelled anew."""
    id: UUID
    """Of the site."""
    tenant_id: UUID
    subscription_id: UUID


async def place_of(session: Session, subscription_id: UUID, sensor: str) -> Place | None:
    """Where the sensor of that name is; None where there is none, or its site is gone."""
    row = await session.row(
        _PLACE, tenant=session.tenant_id, subscription=subscription_id, name_key=name_key(sensor)
    )
    if row is None:
        return None
    return Place(row["name"], name_key(row["zone"]), row["id"], row["tenant_id"], row["subscription_id"])


async def claims(
    session: Session, inventory_id: UUID, zone: str, addresses: Collection[str]
) -> dict[str, list[str]]:
    """The identities of the devices with a key that these addresses belong to, by address."""
    if await session.row(_HAS_CLAIMS, inventory=inventory_id, zone=zone) is None:
        return {}
    rows = await session.rows(_CLAIMS, inventory=inventory_id, zone=zone, asked=list(addresses))
    return {row["value"]: row["identities"] for row in rows}


async def rows(
    session: Session, inventory_id: UUID, zone: str, identities: Collection[str]
) -> dict[str, Row]:
    """What is known of these identities. The session has to hold the site's sum."""
    found = await session.rows(_ROWS, inventory=inventory_id, zone=zone, asked=list(identities))
    return {
        row["identity"]: Row(Seen(row["last_seen"], row["counted_until"], row["kind"]), row["counted"])
        for row in found
    }


async def save(session: Session, inventory_id: UUID, zone: str, changed: Mapping[str, Row]) -> None:
    """Write what is new or has changed, at once."""
    if not changed:
        return
    seen = [row.seen for row in changed.values()]
    await session.rows(
        _SAVE,
        inventory=inventory_id,
        zone=zone,
        tenant=session.tenant_id,
        identity=list(changed),
        kind=[one.kind for one in seen],
        last_seen=[one.last_seen for one in seen],
        counted_until=[one.counted_until for one in seen],
        counted=[row.counted for row in changed.values()],
    )


def claim(session: Session, inventory_id: UUID, zone: str, claimed: Sequence[tuple[str, str]]) -> None:
    """Note to which devices addresses belong."""
    for address, identity in claimed:
        session.writes.ensure(
            device_addresses,
            inventory_id=inventory_id,
            zone=zone,
            address=address,
            identity=identity,
            tenant_id=session.tenant_id,
        )


async def falls_at(
    session: Session, inventory_ids: Collection[UUID], *, above: int, now: datetime
) -> datetime | None:
    """The last moment at which, by time alone, more devices than the limit are counted; `above` is by how many now."""
    row = await session.row(_FALLS, inventories=list(inventory_ids), others=above - 1, now=now)
    return None if row is None else row["counted_until"]


async def uncount_idle(session: Session, inventory_id: UUID, *, now: datetime, most: int) -> int:
    """Take devices that are idle at `now` out of the count, up to a number; how many."""
    row = await session.row(_UNCOUNT, inventory=inventory_id, now=now, most=most)
    return 0 if row is None else row["rows"]


async def earliest_idle(session: Session, inventory_id: UUID) -> datetime | None:
    """Until when the device counts that is the first to go idle; None where none is counted."""
    row = await session.row(_EARLIEST, inventory=inventory_id)
    return None if row is None else row["counted_until"]


async def delete_some(session: Session, inventory_id: UUID, *, most: int) -> bool:
    """Delete devices of an inventory, up to a number; false where none is left."""
    for statement in _DELETE:
        row = await session.row(statement, inventory=inventory_id, most=most)
        if row is not None and row["rows"]:
            return True
    return False
