"""Plans' own tables."""

from typing import Final

from sqlalchemy import Column, ForeignKey, Index, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Moment

metadata: Final = MetaData()

held_licenses: Final = Table(
    "held_licenses",
    metadata,
    Column("license_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("site_size", Text),
    Column("max_devices", Integer),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("ended_at", Moment),
    Column("version", Integer, nullable=False, comment="of the newest event applied"),
    Index("held_licenses_tenant", "tenant_id"),
    comment="Licenses as their newest event told of them",
)

holdings: Final = Table(
    "holdings",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("sizes", JSONB, nullable=False, comment="[{site_size, max_devices, quantity}]"),
    Column("paid", Integer, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("last_ended_at", Moment),
    comment="The sum over a tenant's held licenses",
)

subscriptions: Final = Table(
    "subscriptions",
    metadata,
    Column("id", Uuid, primary_key=True, comment="the caller's; so one tenant at the most can have it"),
    Column("tenant_id", Uuid, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("subscriptions_tenant", "tenant_id", "id"),
)

role_assignments: Final = Table(
    "role_assignments",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("principal", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("role", Text, nullable=False),
    Index("role_assignments_principal", "tenant_id", "principal"),
)

plans: Final = Table(
    "plans",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("price_plan", Text, nullable=False),
    Column("licensed_sites", JSONB, nullable=False, comment="[{site_size, max_devices, quantity}]"),
    Column("terms_version", Text, nullable=False),
    Column("terms_accepted_at", Moment, nullable=False),
    Column("version", Integer, nullable=False),
    Index("plans_tenant", "tenant_id", "subscription_id"),
)
