"""From records to their effect, exactly once.

A batch of records is one transaction: inbox, effect, then commit; only then does the offset move. Offsets are
a bookmark, the inbox is the truth. When a batch fails, its records are applied one by one, and the one that
cannot be applied is parked with its key; nothing is skipped in silence. Where nothing else but parking comes of
one key after the other, it is not the records that are wrong, and the process ends.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from shared import tracing
from shared.db import inbox
from shared.db.database import Database, Session
from shared.db.unreachable import UNREACHABLE
from shared.events.codec import decode
from shared.events.envelope import SUBJECT, Envelope
from shared.events.errors import UnknownEventType
from shared.events.event import Event
from shared.events.topics import Topic
from shared.metrics import consumer_lag, events_applied, events_dropped, events_parked

_log: Final = logging.getLogger(__name__)

_BATCH: Final = 500
_WAIT_MS: Final = 500
_GATHERED: Final = 524_288
"""Bytes that end the gathering before its time."""
_COMMIT_EVERY: Final = 0.5
_KAFKA_TIMEOUT: Final = 10
_CHECK_EVERY: Final = 10
_CHECKS_WITHOUT_PROGRESS: Final = 3
_MOST_KEYS_IN_A_ROW: Final = 50

_PASSING: Final = (
    *UNREACHABLE,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.SyntaxOrAccessError,
)
"""Not the record's fault: it ends the process, which comes back to the same record."""


class VersionGap(Exception):
    """An event before this one is missing; applying it would hide that."""


class Stalled(Exception):
    """The consumer should make progress and does not, or sets aside so much that something else is wrong."""


@dataclass(frozen=True, slots=True)
class Received:
    """An event whose effect is not committed yet."""

    envelope: Envelope
    event: Event
    taken_for_new: bool = False
    """Should its effect be there already, the session's new rows may be refused: it is asked for once more then."""


class Setbacks:
    """The keys whose records were parked since one last was applied."""

    def __init__(self, most: int = _MOST_KEYS_IN_A_ROW) -> None:
        self._most = most
        self._keys: set[bytes | None] = set()

    def add(self, record: ConsumerRecord) -> None:
        """Raises Stalled where there are too many; one key by itself, with a gap before it, never is."""
        self._keys.add(record.key)
        if len(self._keys) >= self._most:
            raise Stalled(f"nothing of {len(self._keys)} keys of {record.topic} in a row could be applied")

    def end(self) -> None:
        self._keys.clear()


Handle = Callable[[Session, Sequence[Received]], Awaitable[None]]
"""Applies events of several tenants in the order given; raises VersionGap where one is missing."""


async def consume(
    database: Database,
    bootstrap: str,
    *,
    topic: Topic,
    group: str,
    instance: str,
    kind: type[Event],
    handle: Handle,
    gather_ms: int | None = None,
) -> None:
    """Run for ever as `instance` of consumer group `group`. Raises what no waiting within would mend.

    `kind`: what all events that `handle` is for have in common, also those that only a later release knows; events
    of other kinds are let pass without a look inside.
    `gather_ms`: take what comes within so many milliseconds together, where nobody waits for it; else it is
    taken at once.

    A named instance takes its partitions over from its own predecessor at once, also after a kill.
    """
    consumer = AIOKafkaConsumer(
        topic.name,
        bootstrap_servers=bootstrap,
        group_id=group,
        group_instance_id=instance,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=_WAIT_MS if gather_ms is None else gather_ms,
        fetch_min_bytes=1 if gather_ms is None else _GATHERED,
        request_timeout_ms=_KAFKA_TIMEOUT * 1000,
    )
    try:
        async with asyncio.timeout(_KAFKA_TIMEOUT):
            await consumer.start()
        events_parked.labels(topic.name)  # told as 0, so that the first one is a rise
        applied: dict[TopicPartition, int] = {}
        async with asyncio.TaskGroup() as group_of_tasks:
            group_of_tasks.create_task(_apply_for_ever(database, consumer, kind, handle, applied))
            group_of_tasks.create_task(_keep_bookmarks(consumer, applied))
            group_of_tasks.create_task(_watch(consumer, topic))
    finally:
        await asyncio.wait({asyncio.ensure_future(consumer.stop())}, timeout=_KAFKA_TIMEOUT / 2)


async def _apply_for_ever(
    database: Database,
    consumer: AIOKafkaConsumer,
    kind: type[Event],
    handle: Handle,
    applied: dict[TopicPartition, int],
) -> None:
    """Apply what comes; `applied` is kept at the offset that comes next, by partition."""
    setbacks = Setbacks()
    while True:
        by_partition = await consumer.getmany(timeout_ms=_WAIT_MS, max_records=_BATCH)
        records = [record for records in by_partition.values() for record in records]
        if not records:
            continue
        await apply(database, records, kind, handle, setbacks)
        applied |= {partition: some[-1].offset + 1 for partition, some in by_partition.items() if some}


async def _keep_bookmarks(consumer: AIOKafkaConsumer, applied: dict[TopicPartition, int]) -> None:
    """Tell the broker how far everything is applied; whoever applies does not wait for its answer."""
    told: dict[TopicPartition, int] = {}
    while True:
        await asyncio.sleep(_COMMIT_EVERY)
        held = consumer.assignment()
        new = {
            place: offset for place, offset in applied.items() if place in held and told.get(place) != offset
        }
        if not new:
            continue
        with suppress(KafkaError, TimeoutError):  # the inbox makes a lost bookmark harmless
            # Not wait_for: before Python 3.12 it can lose a cancellation, and the process would not stop.
            async with asyncio.timeout(_KAFKA_TIMEOUT):
                await consumer.commit(new)
            told |= new


async def _watch(consumer: AIOKafkaConsumer, topic: Topic) -> None:
    """Raise Stalled when there is something to read and nothing is read: `getmany` would not tell."""
    before: dict[TopicPartition, int] = {}
    without_progress = 0
    while True:
        await asyncio.sleep(_CHECK_EVERY)
        partitions = consumer.assignment()
        try:
            async with asyncio.timeout(_KAFKA_TIMEOUT):
                ends = await consumer.end_offsets(partitions)
                positions = {partition: await consumer.position(partition) for partition in partitions}
        except (KafkaError, TimeoutError) as error:
            without_progress += 1
            _log.warning("the broker does not answer: %r", error)
        else:
            lag = sum(ends[partition] - positions[partition] for partition in partitions)
            consumer_lag.labels(topic.name).set(lag)
            without_progress = without_progress + 1 if lag and positions == before else 0
            before = positions
        if without_progress >= _CHECKS_WITHOUT_PROGRESS:
            raise Stalled(f"no progress on {topic.name} for {without_progress * _CHECK_EVERY} s")


async def apply(
    database: Database,
    records: Sequence[ConsumerRecord],
    kind: type[Event],
    handle: Handle,
    setbacks: Setbacks,
) -> int:
    """Apply the records, each in effect or parked; how many were parked. `kind`: see `consume`. Raises Stalled."""
    try:
        try:
            found = await _apply_together(database, records, kind, handle, all_new=True)
        except asyncpg.UniqueViolationError:
            found = await _apply_together(database, records, kind, handle, all_new=False)
    except _PASSING:
        raise
    except Exception as error:  # noqa: BLE001 -- whatever a record does, it is parked with it
        if len(records) == 1:
            setbacks.add(records[0])
            await _park(database, records[0], error)
            return 1
        return sum([await apply(database, [record], kind, handle, setbacks) for record in records])
    if found:
        setbacks.end()
    return 0


async def _apply_together(
    database: Database,
    records: Sequence[ConsumerRecord],
    kind: type[Event],
    handle: Handle,
    *,
    all_new: bool,
) -> int:
    """How many of them are of the kind, and in effect now.

    `all_new`: each is taken for new, and PostgreSQL refuses them all where one is not; else repeats are let pass.
    """
    received = [
        read for record in records if (read := _read(record, kind, taken_for_new=all_new)) is not None
    ]
    if not received:
        return 0
    tracing.traceparent.set(received[0].envelope.traceparent if len(received) == 1 else None)
    tenants = {one.envelope.tenantid for one in received}
    async with database.begin(*tenants) as session:
        if all_new:
            inbox.claim_new(session, _names(received))
            fresh = received
        else:
            fresh = await _not_repeated(session, received)
        if fresh:
            await handle(session, fresh)
    topic = records[0].topic
    events_applied.labels(topic).inc(len(fresh))
    events_dropped.labels(topic).inc(len(received) - len(fresh))
    return len(received)


async def _not_repeated(session: Session, received: Sequence[Received]) -> list[Received]:
    names = _names(received)
    unclaimed = await inbox.claim(session, names)
    fresh = []
    for one, (event_id, source, _) in zip(received, names, strict=True):
        if (event_id, source) in unclaimed:
            unclaimed.remove((event_id, source))  # a repeat within the batch is a repeat too
            fresh.append(one)
    return fresh


def _names(received: Sequence[Received]) -> list[tuple[UUID, str, UUID]]:
    return [(UUID(e.id), e.source, e.tenantid) for e in (one.envelope for one in received)]


def _read(record: ConsumerRecord, kind: type[Event], *, taken_for_new: bool) -> Received | None:
    """The event in a record; None for one of another kind, or version of the contract. Raises MalformedEvent."""
    about = f"{kind.kind}/".encode()
    subjects = [value or b"" for name, value in record.headers if name == SUBJECT]
    if subjects and not any(subject.startswith(about) for subject in subjects):
        return None
    envelope = Envelope.from_headers(record.headers)
    try:
        return Received(envelope, decode(envelope.type, record.value, kind=kind), taken_for_new)
    except UnknownEventType:
        return None


async def _park(database: Database, record: ConsumerRecord, error: Exception) -> None:
    reason = f"{type(error).__name__}: {error}"
    _log.error("parked %s/%s@%s: %s", record.topic, record.partition, record.offset, reason)
    await inbox.park(
        database,
        topic=record.topic,
        partition=record.partition,
        position=record.offset,
        key=_text(record.key),
        headers={_text(name.encode()): _text(value) for name, value in record.headers},
        value=record.value or b"",
        reason=reason[:2000],
    )
    events_parked.labels(record.topic).inc()


def _text(came: bytes | None) -> str:
    """As PostgreSQL can keep it: what is no UTF-8, and U+0000, is replaced."""
    return (came or b"").decode(errors="replace").replace("\x00", "\ufffd")
