"""Sites in PostgreSQL."""

from dataclasses import fields
from typing import Any, Final
from uuid import UUID

from sqlalchemy import bindparam, func, select

from services.plans.domain.site import Site, name_key
from services.plans.store.named import Named, named
from services.plans.store.tables import sensors, sites
from shared.db.database import Record, Session
from shared.db.statement import Statement

_FIELDS: Final = tuple(field.name for field in fields(Site))
_THERE: Final = sites.c.coverage != "deleted"
_NAMED: Final = Named(sites, _THERE)
_NEED_A_LICENSE: Final = (
    select(sites)
    .where(sites.c.tenant_id == bindparam("tenant"), _THERE, sites.c.coverage != "legacy")
    .order_by(sites.c.id)
)
_FOLLOWING: Final = Statement(_NEED_A_LICENSE)
_OF_SIZE: Final = Statement(_NEED_A_LICENSE.where(sites.c.site_size == bindparam("size")))
_OF_SIZES: Final = Statement(
    select(sites.c.site_size, func.count().label("sites"))
    .where(sites.c.tenant_id == bindparam("tenant"), _THERE, sites.c.site_size.is_not(None))
    .group_by(sites.c.site_size)
)
_SENSORS: Final = Statement(
    select(sensors.c.name, sensors.c.zone)
    .where(
        sensors.c.tenant_id == bindparam("tenant"),
        sensors.c.subscription_id == bindparam("subscription"),
        sensors.c.site_key == bindparam("name_key"),
        sensors.c.deleted.is_(False),
    )
    .order_by(sensors.c.name_key)
)


async def find(session: Session, subscription_id: UUID, name: str) -> Site | None:
    """The site of that name, also a deleted one."""
    return _found(await _NAMED.find(session, subscription_id, name))


async def lock(session: Session, subscription_id: UUID, name: str) -> Site | None:
    """The same, held until the session ends."""
    return _found(await _NAMED.find(session, subscription_id, name, locked=True))


async def of_subscription(session: Session, subscription_id: UUID) -> list[Site]:
    """By name."""
    return [_site(row) for row in await _NAMED.all(session, subscription_id)]


async def page(session: Session, subscription_id: UUID, *, after: str | None, most: int) -> list[Site]:
    """By name, those after the name `after`."""
    return [_site(row) for row in await _NAMED.page(session, subscription_id, after=after, most=most)]


async def following(session: Session, tenant_id: UUID) -> list[Site]:
    """Every site of the tenant that needs a license, oldest first; nobody changes one without the tenant's lock."""
    return [_site(row) for row in await session.rows(_FOLLOWING, tenant=tenant_id)]


async def of_size(session: Session, tenant_id: UUID, size: str) -> list[Site]:
    """Those of one size."""
    return [_site(row) for row in await session.rows(_OF_SIZE, tenant=tenant_id, size=size)]


async def sensors_at(session: Session, site: Site) -> list[tuple[str, str]]:
    """The sensors of a site by name, each with its zone."""
    rows = await session.rows(_SENSORS, **named(session, site.subscription_id, site.name))
    return [(row["name"], row["zone"]) for row in rows]


async def number_by_size(session: Session) -> dict[str, int]:
    """How many sites of each size the session's tenant has."""
    return {row["site_size"]: row["sites"] for row in await session.rows(_OF_SIZES, tenant=session.tenant_id)}


def add(session: Session, site: Site, *, known: bool) -> None:
    """Write a site that is made; `known`: its name was there before."""
    write = session.writes.update if known else session.writes.insert
    write(sites, **_values(site))


def save(session: Session, site: Site) -> None:
    """Write the site, which the session has locked, as it is now."""
    session.writes.update(sites, **_values(site))


def _found(row: Record | None) -> Site | None:
    return None if row is None else _site(row)


def _site(row: Record) -> Site:
    values: dict[str, Any] = dict(row)
    del values["name_key"]
    values["owners"], values["zones"] = tuple(values["owners"]), tuple(values["zones"])
    return Site(**values)


def _values(site: Site) -> dict[str, Any]:
    values = {name: getattr(site, name) for name in _FIELDS}
    values |= {"name_key": name_key(site.name), "owners": list(site.owners), "zones": list(site.zones)}
    values["tags"] = dict(site.tags)
    return values
