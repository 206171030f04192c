"""How many sites use each license, in PostgreSQL, as far as licensing has heard."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Integer, Text, Uuid, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import insert

from services.licensing.store.tables import assignments, sites
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import Moment

Name = tuple[UUID, str]
"""Of a site: its subscription, and its name in lower case."""

_NAMES: Final = (
    func.unnest(cast(bindparam("subscriptions"), ARRAY(Uuid)), cast(bindparam("names"), ARRAY(Text)))
    .table_valued(column("subscription_id", Uuid), column("name_key", Text), name="named")
    .render_derived()
)
_LOCK_SITES: Final = Statement(
    select(sites)
    .join(
        _NAMES,
        (_NAMES.c.subscription_id == sites.c.subscription_id) & (_NAMES.c.name_key == sites.c.name_key),
    )
    .order_by(sites.c.subscription_id, sites.c.name_key)
    .with_for_update(of=sites)
)
_CHANGES: Final = (
    func.unnest(
        cast(bindparam("licenses"), ARRAY(Uuid)),
        cast(bindparam("tenants"), ARRAY(Uuid)),
        cast(bindparam("changes"), ARRAY(Integer)),
        cast(bindparam("moments"), ARRAY(Moment)),
    )
    .table_valued(
        column("license_id", Uuid),
        column("tenant_id", Uuid),
        column("change", Integer),
        column("as_of", Moment),
        name="changed",
    )
    .render_derived()
)
_INSERT: Final = insert(assignments).from_select(
    ["license_id", "tenant_id", "assigned", "as_of"],
    select(
        _CHANGES.c.license_id,
        _CHANGES.c.tenant_id,
        func.greatest(_CHANGES.c.change, 0),
        _CHANGES.c.as_of,
    ).order_by(_CHANGES.c.license_id),
)
_ENSURE: Final = Statement(_INSERT.on_conflict_do_nothing().returning(assignments.c.license_id))
_COUNT: Final = Statement(
    assignments.update()
    .where(assignments.c.license_id == _CHANGES.c.license_id)
    .values(
        assigned=assignments.c.assigned + _CHANGES.c.change,
        as_of=func.greatest(assignments.c.as_of, _CHANGES.c.as_of),
    )
    .returning(assignments.c.license_id)
)


@dataclass(frozen=True, slots=True)
class KnownSite:
    tenant_id: UUID
    license_id: UUID | None
    version: int


@dataclass(frozen=True, slots=True)
class Counted:
    """What has become of the number of a license's sites."""

    tenant_id: UUID
    change: int
    as_of: datetime


async def lock_sites(session: Session, names: Collection[Name]) -> dict[Name, KnownSite]:
    """The sites that are known of, held until the session ends."""
    rows = await session.rows(
        _LOCK_SITES,
        subscriptions=[subscription for subscription, _ in names],
        names=[name for _, name in names],
    )
    return {
        (row["subscription_id"], row["name_key"]): KnownSite(
            row["tenant_id"], row["license_id"], row["version"]
        )
        for row in rows
    }


def save_site(session: Session, name: Name, site: KnownSite, *, known: bool) -> None:
    write = session.writes.update if known else session.writes.insert
    write(
        sites,
        subscription_id=name[0],
        name_key=name[1],
        tenant_id=site.tenant_id,
        license_id=site.license_id,
        version=site.version,
    )


async def count(session: Session, changes: Mapping[UUID, Counted]) -> None:
    """Add to the number of sites of each license what has changed of it."""
    if not changes:
        return
    licenses = sorted(changes)
    told: dict[str, list[Any]] = {
        "licenses": licenses,
        "tenants": [changes[license].tenant_id for license in licenses],
        "changes": [changes[license].change for license in licenses],
        "moments": [changes[license].as_of for license in licenses],
    }
    made = {row["license_id"] for row in await session.rows(_ENSURE, **told)}
    rest = [place for place, license in enumerate(licenses) if license not in made]
    if rest:
        await session.rows(
            _COUNT, **{name: [values[place] for place in rest] for name, values in told.items()}
        )
