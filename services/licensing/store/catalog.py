"""The catalog as it stands at a moment."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Final

import asyncpg
from sqlalchemy import bindparam, func, insert, select

from services.licensing.domain.catalog import Price, Product
from services.licensing.domain.errors import ProductNotFound
from services.licensing.store.tables import products
from shared.db.database import Database, Record, Session
from shared.db.statement import Statement

_ALL: Final = Statement(select(products).order_by(products.c.sku, products.c.effective_from))

_ADD: Final = Statement(
    insert(products).values({column.name: bindparam(column.name) for column in products.c})
)
_LOCK: Final = Statement(select(func.pg_advisory_xact_lock(func.hashtext("siteward catalog"))))
_log: Final = logging.getLogger(__name__)

Version = tuple[datetime, Product]
"""A product from a moment on, until a later version of its SKU."""


class Catalog:
    """Every product in every version, held in memory: it is small, is read by every call and changes seldom."""

    def __init__(self, held: list[Version]) -> None:
        self._versions = held

    @classmethod
    async def load(cls, database: Database) -> "Catalog":
        catalog = cls([])
        await catalog.refresh(database)
        return catalog

    async def refresh(self, database: Database) -> None:
        """Take in what an operator has added."""
        async with database.read() as session:
            self._versions = await versions(session)

    async def keep_fresh(self, database: Database, *, every: float = 30) -> None:
        """Run for ever, refreshing `every` so many seconds; a database out of reach is asked again later."""
        while True:
            await asyncio.sleep(every)
            try:
                await self.refresh(database)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _log.warning("the catalog could not be refreshed: %r", error)

    def at(self, now: datetime) -> dict[str, Product]:
        """By SKU, what is sold at `now`."""
        return {product.sku: product for since, product in self._versions if since <= now}

    def product(self, sku: str, *, at: datetime) -> Product:
        """Raises ProductNotFound."""
        try:
            return self.at(at)[sku]
        except KeyError:
            raise ProductNotFound(sku) from None


async def versions(session: Session, *, locked: bool = False) -> list[Version]:
    """All there are; `locked`: and no other session adds any until this one ends."""
    if locked:
        await session.rows(_LOCK)
    return [(row["effective_from"], _product(row)) for row in await session.rows(_ALL)]


async def add(session: Session, new: Iterable[Version]) -> None:
    """Only the owner of the tables may."""
    for since, product in new:
        await session.rows(_ADD, effective_from=since, **asdict(product))


def _product(row: Record) -> Product:
    return Product(
        row["sku"],
        row["name"],
        row["site_size"],
        row["max_devices"],
        row["term"],
        row["trial"],
        tuple(Price(**price) for price in row["prices"]),
    )
