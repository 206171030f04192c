"""Plans' own tables."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
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

held_licenses: Final = Table(
    "held_licenses",
    metadata,
    Column("license_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("sku", Text, nullable=False),
    Column("site_size", Text),
    Column("max_devices", Integer),
    Column("quantity", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("purchased_at", Moment, nullable=False),
    Column("term_end", Moment),
    Column("ended_at", Moment),
    Column("version", Integer, nullable=False, comment="of the newest event applied"),
    Index("held_licenses_oldest", "tenant_id", "site_size", "status", "purchased_at", "license_id"),
    comment="Licenses as their newest event told of them",
)

holdings: Final = Table(
    "holdings",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("sizes", JSONB, nullable=False, comment="[{site_size, max_devices, quantity}]"),
    Column("paid", Integer, nullable=False),
    Column("trials", Integer, nullable=False),
    Column("enterprise_iot", Integer, nullable=False, comment="licenses in use that are for Enterprise IoT"),
    Column("last_ended_at", Moment),
    Column("due_at", Moment, comment="when the service stops, or its data go"),
    Index("holdings_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
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
    Column("version", Integer, nullable=False),
    Index("role_assignments_principal", "tenant_id", "principal"),
)

plans: Final = Table(
    "plans",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("legacy", Boolean, nullable=False, comment="priced by commitment; follows no licenses"),
    Column("price_plan", Text, nullable=False),
    Column("licensed_sites", JSONB, nullable=False, comment="[{site_size, max_devices, quantity}]"),
    Column("committed_devices", Integer),
    Column("sites", Integer, comment="number of them, of a legacy annual plan"),
    Column("trial_ends_at", Moment, comment="when a legacy trial becomes monthly"),
    Column("pending", JSONB, comment="what was confirmed and takes effect later"),
    Column("due_at", Moment, comment="when time changes the plan next"),
    Column("terms_version", Text),
    Column("terms_accepted_at", Moment),
    Column("added_at", Moment, nullable=False),
    Column(
        "statement_month", Moment, comment="start of the oldest month that is not closed; null: none is open"
    ),
    Column("version", Integer, nullable=False),
    Index("plans_tenant", "tenant_id", "subscription_id"),
    Index("plans_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("plans_due_by_tenant", "tenant_id", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("plans_statement", "statement_month", postgresql_where=text("statement_month IS NOT NULL")),
    Index(
        "plans_statement_by_tenant",
        "tenant_id",
        "statement_month",
        postgresql_where=text("statement_month IS NOT NULL"),
    ),
)

plan_terms: Final = Table(
    "plan_terms",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False, comment="of the plan that set them"),
    Column("tenant_id", Uuid, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("ends_at", Moment, comment="not part of it any more; null: still in effect"),
    Column("legacy", Boolean, nullable=False),
    Column("price_plan", Text, nullable=False),
    Column("committed_devices", Integer),
    Column("sites", Integer),
    Column(
        "rate", BigInteger, comment="minor units per 100 devices and month; null: nothing is charged here"
    ),
    Column("currency", Text),
    Index("plan_terms_of_subscription", "tenant_id", "subscription_id", "starts_at"),
    comment="What a plan cost, and from when to when",
)

legacy_prices: Final = Table(
    "legacy_prices",
    metadata,
    Column("price_plan", Text, primary_key=True),
    Column("effective_from", Moment, primary_key=True, comment="until a later row of the same price plan"),
    Column("rate", BigInteger, nullable=False, comment="minor units per 100 devices and month"),
    Column("currency", Text, nullable=False),
    comment="The price book of legacy plans; the same for all tenants",
)

operations: Final = Table(
    "operations",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("effective_at", Moment, nullable=False),
    Column("finished_at", Moment),
    comment="Changes that take effect later, for those who poll",
)

sites: Final = Table(
    "sites",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("name_key", Text, primary_key=True, comment="the name in lower case"),
    Column("id", Uuid, nullable=False, comment="a new one each time it is made; in the order of making"),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("site_size", Text),
    Column("max_devices", Integer),
    Column("tags", JSONB, nullable=False),
    Column("owners", JSONB, nullable=False),
    Column("zones", JSONB, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sized_at", Moment, comment="since when it has its size"),
    Column("coverage", Text, nullable=False, comment="what its entitlement rests on"),
    Column("license_id", Uuid),
    Column("version", Integer, nullable=False),
    UniqueConstraint("id", name="sites_id"),
    Index("sites_of_subscription", "tenant_id", "subscription_id", "name_key"),
    Index("sites_by_age", "tenant_id", "site_size", "id", postgresql_where=text("coverage <> 'deleted'")),
    comment="A deleted one stays, so that the versions of its name go on rising",
)

sensors: Final = Table(
    "sensors",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("name_key", Text, primary_key=True, comment="the name in lower case"),
    Column("tenant_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("site_key", Text, nullable=False, comment="name_key of its site"),
    Column("site", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("management", Text, nullable=False),
    Column("activation_state", Text, nullable=False),
    Column("activated_at", Moment),
    Column("deleted", Boolean, nullable=False),
    Column("serial", BigInteger, nullable=False, comment="of the newest activation file"),
    Column("superseded_through", BigInteger, nullable=False, comment="the newest serial that is superseded"),
    Column("revoked_through", BigInteger, nullable=False, comment="the newest serial that is revoked"),
    Column("version", Integer, nullable=False),
    Index(
        "sensors_of_subscription",
        "tenant_id",
        "subscription_id",
        "name_key",
        postgresql_where=text("NOT deleted"),
    ),
    comment="A deleted one stays, so that versions and serials of its name go on rising",
)

console_files: Final = Table(
    "console_files",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("serial", BigInteger, nullable=False),
    Column("subscription_ids", JSONB, nullable=False),
    Column("devices", BigInteger, nullable=False),
    Column("issued_at", Moment, nullable=False),
    Column("superseded_at", Moment),
    Column("file", Text, nullable=False),
    UniqueConstraint("tenant_id", "serial", name="console_files_serial"),
    Index("console_files_current", "tenant_id", postgresql_where=text("superseded_at IS NULL")),
    comment="Activation files of a tenant's management consoles",
)

device_counts: Final = Table(
    "device_counts",
    metadata,
    Column("inventory_id", Uuid, primary_key=True, comment="whose devices they are; a new one after a purge"),
    Column("site_id", Uuid, comment="null: forgotten, and its devices are being deleted"),
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("counted", Integer, nullable=False),
    Column("due_at", Moment, comment="when time alone may end a notice on the count"),
    Column(
        "sweep_at", Moment, comment="when idle devices are taken out of the count, or forgotten ones deleted"
    ),
    UniqueConstraint("site_id", name="device_counts_site"),
    Index("device_counts_of_subscription", "tenant_id", "subscription_id"),
    Index("device_counts_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("device_counts_sweep", "sweep_at", postgresql_where=text("sweep_at IS NOT NULL")),
    comment="How many rows of devices are counted, kept with every change of one",
)

devices: Final = Table(
    "devices",
    metadata,
    Column("inventory_id", Uuid, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("last_seen", Moment, nullable=False),
    Column("counted_until", Moment, nullable=False, comment="the last moment at which it is not idle"),
    Column("counted", Boolean, nullable=False, comment="whether it is in its site's count"),
    Index("devices_idle", "inventory_id", "counted_until", postgresql_where=text("counted")),
    comment="What sensors have seen of a site, one row a device or an address of one",
)

device_addresses: Final = Table(
    "device_addresses",
    metadata,
    Column("inventory_id", Uuid, primary_key=True),
    Column("zone", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    comment="Which devices with a key of their own an IP and MAC belong to",
)

enterprise_iot: Final = Table(
    "enterprise_iot",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("status", Text, nullable=False),
    Column("legacy", Boolean, nullable=False),
    Column("effective_at", Moment),
    Column("due_at", Moment, comment="when a confirmed end takes effect"),
    Column("operation_id", Uuid),
    Column("version", Integer, nullable=False),
    Index("enterprise_iot_tenant", "tenant_id", "subscription_id"),
    Index("enterprise_iot_due", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    comment="The Enterprise IoT plans of subscriptions",
)

notices: Final = Table(
    "notices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("subscription_id", Uuid),
    Column("code", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("link", Text),
    Column("since", Moment, nullable=False),
    Column("cleared_at", Moment),
    Column("version", Integer, nullable=False),
    Index(
        "notices_open",
        "tenant_id",
        "resource",
        "code",
        unique=True,
        postgresql_where=text("cleared_at IS NULL"),
    ),
    Index("notices_tenant", "tenant_id", "id", postgresql_where=text("cleared_at IS NULL")),
    comment="What needs a person's eye; a cleared one stays",
)

statements: Final = Table(
    "statements",
    metadata,
    Column("subscription_id", Uuid, ForeignKey("subscriptions.id"), primary_key=True),
    Column("month", Text, primary_key=True, comment="yyyy-mm"),
    Column("tenant_id", Uuid, nullable=False),
    Column("body", JSONB, nullable=False),
    Column("closed_at", Moment, nullable=False),
    Index("statements_of_subscription", "tenant_id", "subscription_id", "month"),
    comment="Closed months, as they were closed",
)
