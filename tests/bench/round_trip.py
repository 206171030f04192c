"""The limit of event lag: a record to the broker and back, by aiokafka alone, with the settings of our own."""

import asyncio
import time
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events.topics import Topic
from shared.kafka.admin import ensure_topic
from tests.bench import child
from tests.bench.measure import percentile

_TOPIC: Final = Topic("bench.round-trip.v1", "/bench", "any", "Records of the bench.", {})
_PARTITIONS: Final = 6
_VALUE: Final = b"x" * 900
_PATIENCE: Final = 30.0
_POLL: Final = 0.002
_WARM_UP: Final = 100


async def round_trip(bootstrap: str, rate: float, seconds: float) -> dict[str, Any]:
    """Send at that rate; from each sending to its record's arrival, in seconds."""
    await ensure_topic(bootstrap, _TOPIC, partitions=_PARTITIONS, replication=1)
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=False, linger_ms=0
    )
    consumer = AIOKafkaConsumer(
        _TOPIC.name, bootstrap_servers=bootstrap, auto_offset_reset="latest", fetch_max_wait_ms=500
    )
    await producer.start()
    await consumer.start()
    for partition in consumer.assignment():
        await consumer.position(partition)
    sent: dict[bytes, float] = {}
    trips: list[float] = []

    async def receive() -> None:
        while True:
            records = await consumer.getmany(timeout_ms=500)
            now = time.perf_counter()
            trips.extend(now - sent.pop(record.key) for part in records.values() for record in part)

    receiving = asyncio.create_task(receive())
    for place in range(_WARM_UP):
        key = b"warm-up %d" % place
        sent[key] = time.perf_counter()
        await producer.send_and_wait(_TOPIC.name, _VALUE, key=key)
    trips.clear()
    began = time.perf_counter()
    for place in range(int(rate * seconds)):
        wait = began + place / rate - time.perf_counter()
        if wait > 0:
            await asyncio.sleep(wait)
        key = b"%d" % place
        sent[key] = time.perf_counter()
        await producer.send(_TOPIC.name, _VALUE, key=key)
    async with asyncio.timeout(_PATIENCE):
        while sent:  # noqa: ASYNC110 -- what is waited for happens at the broker
            await asyncio.sleep(_POLL)
    receiving.cancel()
    await producer.stop()
    await consumer.stop()
    return {"p50": percentile(trips, 0.5), "p99": percentile(trips, 0.99)}


if __name__ == "__main__":
    child.do(round_trip)
