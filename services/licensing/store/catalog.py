"""The catalog as it stands at a moment."""

from datetime import datetime
from typing import Final

from sqlalchemy import select

from services.licensing.domain.catalog import Price, Product
from services.licensing.domain.errors import ProductNotFound
from services.licensing.store.tables import products
from shared.db.database import Database, Record
from shared.db.statement import Statement

_ALL: Final = Statement(select(products).order_by(products.c.sku, products.c.effective_from))


class Catalog:
    """Every product in every version, held in memory: it is small and changes with a migration only."""

    def __init__(self, versions: list[tuple[datetime, Product]]) -> None:
        self._versions = versions

    @classmethod
    async def load(cls, database: Database) -> "Catalog":
        async with database.read() as session:
            rows = await session.rows(_ALL)
        return cls([(row["effective_from"], _product(row)) for row in rows])

    def at(self, now: datetime) -> dict[str, Product]:
        """By SKU, what is sold at `now`."""
        return {product.sku: product for since, product in self._versions if since <= now}

    def product(self, sku: str, *, at: datetime) -> Product:
        """Raises ProductNotFound."""
        try:
            return self.at(at)[sku]
        except KeyError:
            raise ProductNotFound(sku) from None


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
