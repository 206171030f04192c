"""Topics of a test's own, and what is in them."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from shared.events.topics import LICENSING, Topic
from shared.kafka.admin import ensure_topic

PARTITIONS: Final = 3


async def new_topic(kafka: str) -> Topic:
    """A topic like licensing's that nobody else writes to."""
    topic = Topic(
        name=f"siteward.test.{secrets.token_hex(6)}",
        source=LICENSING.source,
        key=LICENSING.key,
        description="Of one test.",
        settings=LICENSING.settings,
    )
    await ensure_topic(kafka, topic, partitions=PARTITIONS, replication=1)
    return topic


async def records_of(kafka: str, topic: str) -> list[ConsumerRecord]:
    """Everything in the topic now, in the order of each partition."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=kafka, group_id=None, auto_offset_reset="earliest", fetch_max_wait_ms=50
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[ConsumerRecord] = []
        while any([await consumer.position(place) < end for place, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=50)).values():
                found.extend(records)
        return found
    finally:
        await consumer.stop()


async def start_at_the_end(kafka: str, topic: Topic, group: str) -> None:
    """Let a consumer group that is new begin with what comes from now on, not with what others have left."""
    consumer = AIOKafkaConsumer(topic.name, bootstrap_servers=kafka, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        await consumer.commit(await consumer.end_offsets(consumer.assignment()))
    finally:
        await consumer.stop()


@asynccontextmanager
async def producing(kafka: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer set up as the relay's."""
    producer = AIOKafkaProducer(
        bootstrap_servers=kafka,
        acks="all",
        enable_idempotence=False,
        request_timeout_ms=5000,
        linger_ms=0,
    )
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
