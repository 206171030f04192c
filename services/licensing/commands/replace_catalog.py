"""Taking new versions of products into the catalog; what was sold keeps the price it was sold at."""

from collections.abc import Sequence
from itertools import chain
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from services.licensing.domain.catalog import BillingFrequency, Price, Product
from services.licensing.store import catalog
from services.licensing.store.catalog import Version
from shared.db.database import Session
from shared.events.wire import Utc
from shared.http.faults import errors_of


class CatalogRefused(Exception):
    """None of the file was taken; the message names each bad row by a JSON pointer."""

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        self.errors = errors
        super().__init__("\n".join(f"{pointer or '/'}: {detail}" for pointer, detail in errors))


def versions_in(file: bytes) -> list[Version]:
    """The versions that an operator's file holds: products as the API shows them, each with `effective_from`.

    Raises CatalogRefused.
    """
    try:
        rows = _FILE.validate_json(file)
    except ValidationError as error:
        raise CatalogRefused([(one["pointer"], one["detail"]) for one in errors_of(error)]) from error
    return [(row.effective_from, row.product()) for row in rows]


async def replace_catalog(session: Session, versions: Sequence[Version]) -> int:
    """Add the versions that are not there yet; how many those were.

    Raises CatalogRefused, also where one of them is there already and says something else: prices are
    changed by a version that starts later.
    """
    held = await catalog.versions(session, locked=True)
    if errors := _conflicts(held, versions):
        raise CatalogRefused(errors)
    new = [version for version in versions if version not in held]
    await catalog.add(session, new)
    return len(new)


def _conflicts(held: Sequence[Version], versions: Sequence[Version]) -> list[tuple[str, str]]:
    known = {(product.sku, since): product for since, product in held}
    kinds = {product.sku: _kind(product) for _, product in chain(reversed(versions), held)}
    errors: list[tuple[str, str]] = []
    seen: set[object] = set()
    for number, (since, product) in enumerate(versions):
        key = (product.sku, since)
        named = f"{product.sku} from {since:%Y-%m-%dT%H:%M:%SZ}"
        if key in seen:
            errors.append((f"/{number}", f"{named} is in the file twice."))
        elif known.get(key, product) != product:
            errors.append((f"/{number}", f"{named} is in the catalog already, and cannot be changed."))
        elif kinds[product.sku] != _kind(product):
            errors.append(
                (f"/{number}", f"{product.sku} cannot become a trial or stop being one, nor for sites.")
            )
        seen.add(key)
    return errors


def _kind(product: Product) -> tuple[bool, bool]:
    return product.trial, product.site_size is None


class _Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Money(_Row):
    amount: str = Field(pattern=r"^(0|[1-9][0-9]{0,12})\.[0-9]{2}$")
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class _PriceRow(_Row):
    billing_frequency: BillingFrequency
    unit: _Money


class _ProductRow(_Row):
    sku: str = Field(pattern=r"^[A-Z0-9_]{1,64}$")
    effective_from: Utc
    name: str = Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")
    site_size: Literal["XS", "S", "M", "L", "XL"] | None
    max_devices: int | None = Field(ge=1, le=1_000_000)
    trial: bool
    term: Literal["P1Y", "P60D"]
    prices: tuple[_PriceRow, ...] = Field(strict=False)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.site_size is None) != (self.max_devices is None):
            raise ValueError("site_size and max_devices go together.")
        if (self.term == "P60D") != self.trial:
            raise ValueError("A trial's term is P60D, any other P1Y.")
        billed = sorted(price.billing_frequency for price in self.prices)
        if billed != ([] if self.trial else ["annual", "monthly"]):
            raise ValueError("A trial has no prices, any other product one annual and one monthly.")
        if len({price.unit.currency for price in self.prices}) > 1:
            raise ValueError("A product has its prices in one currency.")
        return self

    def product(self) -> Product:
        prices = (
            Price(price.billing_frequency, int(price.unit.amount.replace(".", "")), price.unit.currency)
            for price in self.prices
        )
        return Product(
            self.sku,
            self.name,
            self.site_size,
            self.max_devices,
            self.term,
            self.trial,
            tuple(sorted(prices, key=lambda price: price.billing_frequency)),
        )


_FILE: Final = TypeAdapter(Annotated[list[_ProductRow], Field(min_length=1)])
