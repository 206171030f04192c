"""Licensing's own tables."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Moment

metadata: Final = MetaData()

products: Final = Table(
    "products",
    metadata,
    Column("sku", Text, primary_key=True),
    Column("effective_from", Moment, primary_key=True, comment="until a later row of the same sku"),
    Column("name", Text, nullable=False),
    Column("site_size", Text),
    Column("max_devices", Integer),
    Column("term", Text, nullable=False, comment="ISO 8601 duration"),
    Column("prices", JSONB, nullable=False, comment="[{billing_frequency, unit (minor units), currency}]"),
    comment="What can be bought; the same for all tenants",
)

licenses: Final = Table(
    "licenses",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("sku", Text, nullable=False),
    Column("site_size", Text),
    Column("max_devices", Integer),
    Column("status", Text, nullable=False),
    Column("auto_renew", Boolean, nullable=False),
    Column("billing_frequency", Text, nullable=False),
    Column("purchased_at", Moment, nullable=False),
    Column("term_start", Moment, nullable=False),
    Column("term_end", Moment, nullable=False),
    Column("cancellable_until", Moment, nullable=False),
    Column("disabled_ends_at", Moment),
    Column("unit_price", BigInteger, nullable=False, comment="minor units"),
    Column("currency", Text, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("batches", JSONB, nullable=False, comment="[{quantity, added_at, charged (minor units)}]"),
    Column("version", Integer, nullable=False),
    Index("licenses_tenant", "tenant_id", "id"),
)
