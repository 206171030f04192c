"""Everything that comes by on the topics of both services, as any other consumer would see it."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import orjson
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from shared.events.envelope import Envelope
from shared.events.errors import MalformedEvent
from shared.events.topics import TOPICS
from tests.support.eventually import eventually

_WAIT_MS: Final = 100


@dataclass(frozen=True, slots=True)
class Heard:
    """One event, and the record that carried it."""

    envelope: Envelope
    data: Any
    record: ConsumerRecord

    @property
    def name(self) -> str:
        """As the contract lists it: `license.purchased`."""
        return self.envelope.type.removeprefix("siteward.").removesuffix(".v1")

    @property
    def state(self) -> Any:
        """The aggregate as the event tells of it."""
        (aggregate,) = set(self.data) - {"changed", "previous"}
        return self.data[aggregate]


class Listener:
    """Keeps every event since it was started, by tenant, in the order of each partition."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._heard: dict[UUID, list[Heard]] = defaultdict(list)

    def of(self, tenant: UUID) -> Sequence[Heard]:
        return self._heard[tenant]

    async def catch_up(self) -> None:
        """Return once everything has been heard that the broker had when this was called."""
        ends = await self._consumer.end_offsets(self._consumer.assignment())

        async def caught_up() -> bool:
            return all([await self._consumer.position(place) >= end for place, end in ends.items()])

        await eventually(caught_up)

    async def listen(self) -> None:
        while True:
            batches: dict[TopicPartition, list[ConsumerRecord]] = await self._consumer.getmany(
                timeout_ms=_WAIT_MS
            )
            for record in (record for batch in batches.values() for record in batch):
                with suppress(MalformedEvent):  # a broker that is not ours alone may hold anything
                    envelope = Envelope.from_headers(record.headers)
                    self._heard[envelope.tenantid].append(Heard(envelope, orjson.loads(record.value), record))


@asynccontextmanager
async def listening(kafka: str) -> AsyncIterator[Listener]:
    """Listen to both topics, which are there already, from now on."""
    consumer = AIOKafkaConsumer(
        *(topic.name for topic in TOPICS),
        bootstrap_servers=kafka,
        group_id=None,
        enable_auto_commit=False,
        fetch_max_wait_ms=_WAIT_MS,
    )
    await consumer.start()
    try:
        await consumer.seek_to_end()
        listener = Listener(consumer)
        task = asyncio.create_task(listener.listen())
        try:
            yield listener
        finally:
            task.cancel()
            await asyncio.wait([task])
    finally:
        await consumer.stop()
