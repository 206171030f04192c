"""Sensors in PostgreSQL."""

from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, select

from services.plans.domain.sensor import Sensor
from services.plans.domain.site import name_key
from services.plans.store.named import Named
from services.plans.store.tables import sensors
from shared.db.database import Record, Session
from shared.db.statement import Statement

_FIELDS: Final = tuple(field.name for field in fields(Sensor))
_OF_TENANT: Final = sensors.c.tenant_id == bindparam("tenant")
_OF_SUBSCRIPTION: Final = (_OF_TENANT, sensors.c.subscription_id == bindparam("subscription"))
_THERE: Final = sensors.c.deleted.is_(False)
_NAMED: Final = Named(sensors, _THERE)
_NAMES: Final = Statement(
    select(sensors.c.name).where(*_OF_SUBSCRIPTION, _THERE).order_by(sensors.c.name_key)
)
_BY_SUBSCRIPTION: Final = Statement(
    select(sensors.c.subscription_id, sensors.c.name).where(_OF_TENANT, _THERE).order_by(sensors.c.name_key)
)
_ELSEWHERE: Final = Statement(
    select(sensors.c.name)
    .where(_OF_TENANT, sensors.c.subscription_id != bindparam("subscription"), _THERE)
    .limit(1)
)


async def find(session: Session, subscription_id: UUID, name: str) -> Sensor | None:
    """The sensor of that name, also a deleted one."""
    return _found(await _NAMED.find(session, subscription_id, name))


async def lock(session: Session, subscription_id: UUID, name: str) -> Sensor | None:
    """The same, held until the session ends."""
    return _found(await _NAMED.find(session, subscription_id, name, locked=True))


async def lock_all(session: Session, subscription_id: UUID) -> list[Sensor]:
    """Every sensor of the subscription, held until the session ends."""
    return [_sensor(row) for row in await _NAMED.all(session, subscription_id, locked=True)]


async def page(session: Session, subscription_id: UUID, *, after: str | None, most: int) -> list[Sensor]:
    """By name, those after the name `after`."""
    return [_sensor(row) for row in await _NAMED.page(session, subscription_id, after=after, most=most)]


async def names_on(session: Session, subscription_id: UUID) -> list[str]:
    """The names of the subscription's sensors."""
    rows = await session.rows(_NAMES, tenant=session.tenant_id, subscription=subscription_id)
    return [row["name"] for row in rows]


async def names_by_subscription(session: Session) -> dict[UUID, list[str]]:
    """The names of all sensors of the session's tenant."""
    found: dict[UUID, list[str]] = {}
    for row in await session.rows(_BY_SUBSCRIPTION, tenant=session.tenant_id):
        found.setdefault(row["subscription_id"], []).append(row["name"])
    return found


async def on_other_subscriptions(session: Session, subscription_id: UUID) -> bool:
    """Whether any sensor is registered on another subscription of the tenant."""
    row = await session.row(_ELSEWHERE, tenant=session.tenant_id, subscription=subscription_id)
    return row is not None


def add(session: Session, sensor: Sensor, *, known: bool) -> None:
    """Write a sensor that is registered; `known`: its name was there before."""
    write = session.writes.update if known else session.writes.insert
    write(sensors, **_values(sensor))


def save(session: Session, sensor: Sensor) -> None:
    """Write the sensor, which the session has locked, as it is now."""
    session.writes.update(sensors, **_values(sensor))


def _found(row: Record | None) -> Sensor | None:
    return None if row is None else _sensor(row)


def _sensor(row: Record) -> Sensor:
    return Sensor(**{name: row[name] for name in _FIELDS})


def _values(sensor: Sensor) -> dict[str, Any]:
    values = {name: getattr(sensor, name) for name in _FIELDS}
    return values | {"name_key": name_key(sensor.name), "site_key": name_key(sensor.site)}
