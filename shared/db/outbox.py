"""Events on their way to Kafka: written with the change they tell of, deleted once acknowledged."""

from typing import Final

from shared.db.database import Session
from shared.db.tables import outbox
from shared.events.codec import encode
from shared.events.envelope import Envelope
from shared.events.event import Event

_LARGEST: Final = 900_000
"""Bytes: Kafka takes no more than 1 MiB as a record with its headers, and all later events would wait for it."""


class EventTooLarge(Exception):
    """An event's data has more bytes than a record can carry."""


def add(session: Session, event: Event, envelope: Envelope) -> None:
    """Add the event to the session, whose commit is what publishes it.

    The aggregate it tells of must be new or locked: then the outbox's order is the aggregate's. Raises EventTooLarge.
    """
    value = encode(event)
    if len(value) > _LARGEST:
        raise EventTooLarge(f"{event.type}: {len(value)} bytes of data")
    session.writes.insert(
        outbox,
        tenant_id=envelope.tenantid,
        topic=event.topic.name,
        key=envelope.partitionkey,
        headers={name: value.decode() for name, value in envelope.headers()},
        value=value,
    )
