"""Licensing's own tables."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
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
    Column("trial", Boolean, nullable=False),
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
    Column("is_trial", Boolean, nullable=False),
    Column("auto_renew", Boolean, nullable=False),
    Column("billing_frequency", Text),
    Column("purchased_at", Moment, nullable=False),
    Column("term_start", Moment, nullable=False),
    Column("term_end", Moment, nullable=False),
    Column("trial_extended", Boolean, nullable=False),
    Column("expiring_told", Boolean, nullable=False),
    Column("cancelled", Boolean, nullable=False),
    Column("grace_ends_at", Moment),
    Column("disabled_ends_at", Moment),
    Column("scheduled", JSONB, comment="{sku, quantity, billing_frequency} from the end of the term on"),
    Column("unit_price", BigInteger, comment="minor units"),
    Column("currency", Text),
    Column("order_number", Text, nullable=False),
    Column("quantity", Integer, nullable=False, comment="of all batches"),
    Column("batches", JSONB, nullable=False, comment="[{quantity, added_at, charged (minor units)}]"),
    Column("next_charge_at", Moment),
    Column("changed_at", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Column("due_at", Moment, comment="when time by itself changes it next"),
    Index("licenses_tenant", "tenant_id", "id"),
    Index("licenses_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("licenses_due_by_tenant", "tenant_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
)

trials: Final = Table(
    "trials",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("license_id", Uuid, nullable=False),
    comment="The one trial that a tenant has for all time",
)

invoices: Final = Table(
    "invoices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("period_start", Moment, nullable=False, comment="00:00 UTC of the first of the month"),
    Column("period_end", Moment, nullable=False),
    Column("currency", Text, nullable=False),
    Column("number", Text, comment="given when it closes"),
    Column("closed_at", Moment),
    UniqueConstraint("tenant_id", "period_start", "currency", name="invoices_month"),
    Index("invoices_tenant", "tenant_id", "id"),
    Index("invoices_open", "period_end", postgresql_where=text("closed_at IS NULL")),
)

invoice_lines: Final = Table(
    "invoice_lines",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("period_start", Moment, nullable=False, comment="the invoice's"),
    Column("currency", Text, nullable=False, comment="the invoice's"),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("license_id", Uuid, nullable=False),
    Column("sku", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("in_effect", Integer, nullable=False),
    Column("in_period", Integer, nullable=False),
    Column("rate", BigInteger, nullable=False, comment="minor units"),
    Column("quantity", Integer, nullable=False),
    Column("charged", BigInteger, comment="minor units"),
    Column("amount", BigInteger, nullable=False, comment="minor units; negative for a credit"),
    Column("rule", Text, nullable=False),
    Index("invoice_lines_invoice", "tenant_id", "period_start", "currency", "id"),
)

sites: Final = Table(
    "sites",
    metadata,
    Column("subscription_id", Uuid, primary_key=True),
    Column("name_key", Text, primary_key=True, comment="its name in lower case"),
    Column("tenant_id", Uuid, nullable=False),
    Column("license_id", Uuid),
    Column("version", Integer, nullable=False, comment="of the newest event applied"),
    Index("sites_tenant", "tenant_id"),
    comment="Sites as their newest event told of them; a deleted one uses no license",
)

assignments: Final = Table(
    "assignments",
    metadata,
    Column("license_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("assigned", Integer, nullable=False),
    Column("as_of", Moment, nullable=False),
    Index("assignments_tenant", "tenant_id"),
    comment="How many sites use a license, kept with every event of one",
)
