"""The tables that every service has besides its own: clock, idempotency, audit, outbox, inbox."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP

metadata: Final = MetaData()

Moment: Final = TIMESTAMP(timezone=True)

tenants: Final = Table(
    "tenants",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("clock", Moment, comment="a sandbox's own time; null: the world's clock"),
    Column("advancing_to", Moment, comment="where a sandbox's clock is being moved"),
    Column("heard_until", Moment, comment="business time of the newest event applied"),
    comment="A row from a tenant's first write on; locking it puts a tenant's changes in a row",
)

idempotency: Final = Table(
    "idempotency",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", LargeBinary, nullable=False, comment="SHA-256 of method, path and body"),
    Column("status", SmallInteger, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Index("idempotency_created_at", "created_at"),
)

audit_events: Final = Table(
    "audit_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("chain", Uuid, nullable=False, comment="whose history it is: a tenant, or a subscription"),
    Column("at", Moment, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("reason", Text),
    Column("request_id", Text),
    Index("audit_events_chain", "tenant_id", "chain", "at", "id"),
)

audit_seals: Final = Table(
    "audit_seals",
    metadata,
    Column("chain", Uuid, primary_key=True),
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="1, 2, 3, …"),
    Column("tenant_id", Uuid, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("at", Moment, nullable=False, comment="the event's; the place before's, should that be later"),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False, comment="hex SHA-256"),
    UniqueConstraint("event_id", name="audit_seals_event"),
    comment="The place of an audit event in its chain; there soon after the event",
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("topic", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False, server_default=func.now()),
    Index("outbox_tenant", "tenant_id"),
    comment="Events committed and not yet acknowledged by Kafka",
)

inbox: Final = Table(
    "inbox",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("received_at", Moment, nullable=False, server_default=func.now()),
    comment="Events whose effect is committed",
)

parked_events: Final = Table(
    "parked_events",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    Column("position", BigInteger, primary_key=True, comment="the record's offset"),
    Column("key", Text, nullable=False),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("parked_at", Moment, nullable=False, server_default=func.now()),
    comment="Events that could not be applied, kept as they came; of no tenant, for that may be what is broken",
)
