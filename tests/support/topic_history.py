"""What is in a topic from its beginning to its present end?"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from shared.events.codec import decode
from shared.events.envelope import Envelope
from shared.events.event import Event
from shared.events.plans import NoticeEvent
from shared.events.topics import Topic
from tests.support.eventually import eventually


@dataclass(frozen=True, slots=True)
class Recorded:
    """One record, as any consumer of the contract reads it."""

    key: str
    envelope: Envelope
    event: Event
    value: bytes


async def topic_history(bootstrap_servers: str, topic: Topic) -> list[Recorded]:
    """All records, in the order of their partitions: older before newer for each key.

    Raises MalformedEvent for a record that does not keep the contract.
    """
    # Without a group a consumer is given all partitions.
    consumer = AIOKafkaConsumer(
        topic.name, bootstrap_servers=bootstrap_servers, group_id=None, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[Recorded] = []
        while [one for one, end in ends.items() if await consumer.position(one) < end]:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [_recorded(record.key, record.headers, record.value) for record in records]
        return found
    finally:
        await consumer.stop()


async def told_of(tenant: UUID, topic: Topic, bootstrap_servers: str, *, count: int) -> list[Recorded]:
    """The tenant's events, once there are as many as expected; fails where there are more.

    Notices, which follow from nearly everything, are left out.
    """

    async def look() -> list[Recorded]:
        history = await topic_history(bootstrap_servers, topic)
        own = [one for one in history if one.envelope.tenantid == tenant]
        return [one for one in own if not isinstance(one.event, NoticeEvent)]

    found = await eventually(look, until=lambda found: len(found) >= count)
    assert len(found) == count
    return found


def _recorded(key: bytes, headers: Sequence[tuple[str, bytes]], value: bytes) -> Recorded:
    envelope = Envelope.from_headers(headers)
    return Recorded(key.decode(), envelope, decode(envelope.type, value), value)
