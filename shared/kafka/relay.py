"""Carries the outbox to Kafka: publish in order, wait for the acknowledgements, delete what was acknowledged.

One relay works at a time, held by an advisory lock on its own connection. It runs as a role that can read and
delete outbox rows and nothing else. A repeat after a crash is the consumers' inbox's to notice.
"""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from shared.clock import wall_clock
from shared.db import idempotency
from shared.db.database import decode_json, session_settings
from shared.metrics import events_published, outbox_age

_log: Final = logging.getLogger(__name__)

_BATCH: Final = 500
_SHORTEST_PAUSE: Final = 0.008
"""Seconds between two looks at the outbox: what comes meanwhile travels together (docs/adr/0015)."""
_LONGEST_PAUSE: Final = 0.02
_PAUSE_AN_EVENT: Final = 0.001
"""The more there is to carry, the fewer times it goes."""
_SMOOTHING: Final = 0.1
"""What the latest look counts in how many events one carries: those of a stall are no reason to wait."""
_REQUEST_TIMEOUT: Final = 5
_SEND_TIMEOUT: Final = 15
_LOCK_PAUSE: Final = 0.5
_CLEAN_EVERY: Final = 600
_FORGOTTEN_AT_ONCE: Final = 500
"""Answers, however many are waiting: events must not wait for as long as that takes."""

_LOCK: Final = "SELECT pg_try_advisory_lock(hashtext(current_schema() || ' relay'))"
_OLDEST: Final = "SELECT id, topic, key, headers, value, created_at FROM outbox ORDER BY id LIMIT $1"
_DELETE: Final = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_FORGET_ANSWERS: Final = """
    DELETE FROM idempotency WHERE (tenant_id, key) IN (
        SELECT tenant_id, key FROM idempotency WHERE created_at < $1 ORDER BY created_at LIMIT $2
    )
"""


async def relay(url: str, bootstrap: str, *, schema: str) -> None:
    """Run for ever. Raises when Kafka does not acknowledge in time, or a connection is lost."""
    connection = await asyncpg.connect(
        url,
        timeout=10,
        command_timeout=15,
        server_settings={
            **session_settings(f"{schema}_relay", schema, f"siteward {schema} relay"),
            # A deletion that a crash of the server undoes is but one more repeat.
            "synchronous_commit": "off",
            # Its statements look into one table by its key; statistics of a moment when that was empty say otherwise.
            "enable_seqscan": "off",
            "plan_cache_mode": "force_generic_plan",
        },
    )
    try:
        await decode_json(connection)
        while not await connection.fetchval(_LOCK):  # noqa: ASYNC110 -- what is waited for is another process
            await asyncio.sleep(_LOCK_PAUSE)
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            acks="all",
            # The idempotent producer never gives a batch up (aio-libs/aiokafka#1101).
            enable_idempotence=False,
            request_timeout_ms=_REQUEST_TIMEOUT * 1000,
            linger_ms=0,
        )
        try:
            async with asyncio.timeout(_SEND_TIMEOUT):
                await producer.start()
            await _run(connection, producer)
        finally:
            # stop() flushes, and a broker that is gone would keep it waiting; what it held is in the outbox.
            await asyncio.wait({asyncio.ensure_future(producer.stop())}, timeout=_REQUEST_TIMEOUT)
    finally:
        connection.terminate()


async def _run(connection: asyncpg.Connection, producer: AIOKafkaProducer) -> None:
    clean_at = time.monotonic()
    carries = 0.0
    while True:
        count = await publish_batch(connection, producer)
        carries += _SMOOTHING * (count - carries)
        if not count:
            outbox_age.set(0)
        if (now := time.monotonic()) >= clean_at:
            more = await _forget_answers(connection)
            clean_at = now if more else now + _CLEAN_EVERY
        if count < _BATCH:
            await asyncio.sleep(min(max(_SHORTEST_PAUSE, _PAUSE_AN_EVENT * carries), _LONGEST_PAUSE))


async def _forget_answers(connection: asyncpg.Connection) -> bool:
    """Delete some of the answers that need not be kept any longer; whether there may be more of them."""
    status = await connection.execute(_FORGET_ANSWERS, wall_clock() - idempotency.KEPT, _FORGOTTEN_AT_ONCE)
    return int(status.rpartition(" ")[2]) == _FORGOTTEN_AT_ONCE


async def publish_batch(connection: asyncpg.Connection, producer: AIOKafkaProducer) -> int:
    """Publish the oldest events and delete those acknowledged; how many there were.

    Raises the first failure, after the events acknowledged before it are deleted.
    """
    rows = await connection.fetch(_OLDEST, _BATCH)
    if not rows:
        return 0
    outbox_age.set((wall_clock() - rows[0]["created_at"]).total_seconds())
    acknowledged, failure = await _publish(producer, rows)
    await connection.execute(_DELETE, acknowledged)
    if failure is not None:
        raise failure
    return len(rows)


async def _publish(
    producer: AIOKafkaProducer, rows: Sequence[asyncpg.Record]
) -> tuple[list[int], BaseException | None]:
    """Send all of them, in order; the ids acknowledged before the first failure, and that failure."""
    sent: list[asyncio.Future[Any]] = []
    refused: KafkaError | None = None
    async with asyncio.timeout(_SEND_TIMEOUT):
        for row in rows:
            headers = [(name, value.encode()) for name, value in row["headers"].items()]
            try:
                sent.append(
                    await producer.send(row["topic"], row["value"], key=row["key"].encode(), headers=headers)
                )
            except KafkaError as error:  # not taken at all: too large, or of a topic that is not there
                refused = error
                break
        outcomes = await asyncio.gather(*sent, return_exceptions=True)
    acknowledged: list[int] = []
    for row, outcome in zip(rows, outcomes, strict=False):
        if isinstance(outcome, BaseException):
            return acknowledged, outcome
        acknowledged.append(row["id"])
        events_published.labels(row["topic"]).inc()
    return acknowledged, refused
