"""Events on their way to Kafka: written with the change they tell of, deleted once acknowledged."""

from shared.db.database import Session
from shared.db.tables import outbox
from shared.events.codec import encode
from shared.events.envelope import Envelope
from shared.events.event import Event


def add(session: Session, event: Event, envelope: Envelope) -> None:
    """Add the event to the session, whose commit is what publishes it.

    The aggregate it tells of must be new or locked: then the outbox's order is the aggregate's.
    """
    session.writes.insert(
        outbox,
        tenant_id=envelope.tenantid,
        topic=event.topic.name,
        key=envelope.partitionkey,
        headers={name: value.decode() for name, value in envelope.headers()},
        value=encode(event),
    )
