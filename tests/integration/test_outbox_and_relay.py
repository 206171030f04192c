"""Does every committed event reach Kafka, in the order of its aggregate, whatever goes wrong on the way?"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from deploy.local.ports import HOST, Ports
from services.plans.handlers.license_changed import license_changed
from shared.db.database import decode_json, session_settings
from shared.events.licensing import LicenseEvent
from shared.events.topics import LICENSING
from shared.kafka import relay as relaying
from shared.kafka.consumer import Setbacks, apply
from shared.kafka.relay import publish_batch, relay
from tests.support.databases import migrated_database
from tests.support.eventually import eventually
from tests.support.servers import Servers
from tests.support.topics import new_topic, producing, records_of
from tests.support.world import World

INSERT = """
    INSERT INTO {schema}.outbox (tenant_id, topic, key, headers, value)
    VALUES ($1, $2, $3, '{{"ce_id": "x"}}', $4) RETURNING id
"""
TOO_LARGE = 2 * 1024 * 1024


class Outbox:
    """Licensing's outbox in a database of its own, whose events go to a topic of their own."""

    def __init__(self, url: str, owner: asyncpg.Connection, kafka: str, topic: str) -> None:
        self.url = url
        self.owner = owner
        self.kafka = kafka
        self.topic = topic

    async def add(
        self,
        value: str,
        *,
        key: str = "k",
        schema: str = "licensing",
        by: asyncpg.Connection | None = None,
    ) -> int:
        insert = INSERT.format(schema=schema)
        row: int = await (by or self.owner).fetchval(insert, uuid4(), self.topic, key, value.encode())
        return row

    async def values(self, schema: str = "licensing") -> list[str]:
        """What waits, in the order of ids."""
        rows = await self.owner.fetch(f"SELECT value FROM {schema}.outbox ORDER BY id")  # noqa: S608 -- our own names
        return [row["value"].decode() for row in rows]

    async def published(self) -> list[str]:
        """What is in the topic, partition after partition."""
        return [record.value.decode() for record in await records_of(self.kafka, self.topic)]

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """As the relay has it."""
        connection = await asyncpg.connect(
            self.url, server_settings=session_settings("licensing_relay", "licensing", "a test's relay")
        )
        try:
            await decode_json(connection)
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def relay(
        self, schema: str = "licensing", *, kafka: str | None = None
    ) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(relay(self.url, kafka or self.kafka, schema=schema))
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def is_empty(self, schema: str = "licensing") -> bool:
        return not await self.values(schema)


@pytest.fixture
async def outbox(servers: Servers) -> AsyncIterator[Outbox]:
    topic = await new_topic(servers.kafka)
    async with migrated_database(servers.postgres, servers.kafka) as url:
        owner = await asyncpg.connect(url)
        try:
            yield Outbox(url, owner, servers.kafka, topic.name)
        finally:
            await owner.close()


@pytest.fixture
async def producer(servers: Servers) -> AsyncIterator[AIOKafkaProducer]:
    async with producing(servers.kafka) as producer:
        yield producer


async def test_events_of_one_key_arrive_in_the_order_of_their_ids(outbox: Outbox) -> None:
    values = [str(number) for number in range(1200)]  # more than the relay takes at once
    async with outbox.owner.transaction():
        for value in values:
            await outbox.add(value)
    async with outbox.relay():
        await eventually(outbox.is_empty)
    assert await outbox.published() == values


async def test_a_record_is_the_row(outbox: Outbox, producer: AIOKafkaProducer) -> None:
    await outbox.add("the value", key="the key")
    async with outbox.connection() as connection:
        assert await publish_batch(connection, producer) == 1
    (record,) = await records_of(outbox.kafka, outbox.topic)
    assert (record.key, record.value, record.headers) == (b"the key", b"the value", (("ce_id", b"x"),))
    assert record.timestamp_type == 1  # the broker's own time, as the topics ask for


async def test_what_is_acknowledged_is_deleted_and_what_is_not_stays(
    outbox: Outbox, producer: AIOKafkaProducer
) -> None:
    # What is too large for Kafka stands for any event that it does not take.
    values = ["first", "second", "x" * TOO_LARGE, "after"]
    for value in values:
        await outbox.add(value)
    async with outbox.connection() as connection:
        with pytest.raises(KafkaError):
            await publish_batch(connection, producer)
    assert (await outbox.published())[:2] == values[:2]
    assert await outbox.values() == values[2:]


async def test_rows_that_are_committed_out_of_the_order_of_their_ids_are_all_published(
    outbox: Outbox, producer: AIOKafkaProducer
) -> None:
    slow = await asyncpg.connect(outbox.url)
    try:
        async with outbox.connection() as connection:
            transaction = slow.transaction()
            await transaction.start()
            earlier = await outbox.add("earlier", by=slow)
            later = await outbox.add("later")
            assert earlier < later
            assert await publish_batch(connection, producer) == 1
            assert await outbox.published() == ["later"]
            await transaction.commit()
            assert await publish_batch(connection, producer) == 1
        assert sorted(await outbox.published()) == ["earlier", "later"]
        assert await outbox.is_empty()
    finally:
        await slow.close()


async def test_what_is_rolled_back_is_never_published(outbox: Outbox) -> None:
    transaction = outbox.owner.transaction()
    await transaction.start()
    await outbox.add("undone")
    await transaction.rollback()
    await outbox.add("done")
    async with outbox.relay():
        await eventually(outbox.is_empty)
    assert await outbox.published() == ["done"]


async def test_without_a_broker_the_relay_fails_and_the_rows_stay(outbox: Outbox) -> None:
    await outbox.add("patient")
    async with outbox.relay(kafka=f"{HOST}:{Ports().take()}") as task:
        await asyncio.wait([task], timeout=20)
        assert isinstance(task.exception(), KafkaError)
    assert await outbox.values() == ["patient"]
    async with outbox.relay():
        await eventually(outbox.is_empty)
    assert await outbox.published() == ["patient"]


async def test_a_relay_that_loses_its_database_connection_fails(outbox: Outbox) -> None:
    async with outbox.relay() as task:
        await outbox.add("seen")
        await eventually(outbox.is_empty)
        await _end_relays(outbox)
        await asyncio.wait([task], timeout=20)
        assert task.exception() is not None


async def test_of_two_relays_one_works_and_the_other_takes_over(outbox: Outbox) -> None:
    async with outbox.relay() as first:
        await outbox.add("one")
        await eventually(outbox.is_empty)
        async with outbox.relay() as second:
            await eventually(lambda: _relays(outbox), until=lambda count: count == 2)
            for number in range(50):
                await outbox.add(str(number))
            await eventually(outbox.is_empty)
            assert await _holders(outbox) == 1
            first.cancel()
            await asyncio.wait([first])
            await outbox.add("last")
            await eventually(outbox.is_empty)
            assert await _holders(outbox) == 1
            assert not second.done()
    published = await outbox.published()
    assert published == ["one", *map(str, range(50)), "last"]


async def test_relays_of_different_services_do_not_wait_for_each_other(outbox: Outbox) -> None:
    for schema in ("licensing", "plans"):
        await outbox.add(schema, schema=schema)
    async with outbox.relay(), outbox.relay(schema="plans"):
        await eventually(outbox.is_empty)
        await eventually(lambda: outbox.is_empty("plans"))
        assert await _holders(outbox) == 2
    assert sorted(await outbox.published()) == ["licensing", "plans"]


async def test_a_crash_between_acknowledgement_and_deletion_repeats_the_event_and_not_its_effect(
    idle_world: World, producer: AIOKafkaProducer
) -> None:
    services = idle_world.services
    await idle_world.buy("OT_SITE_L", 3)
    connection = await asyncpg.connect(
        services.database_url, server_settings=session_settings("licensing_relay", "licensing", "a test")
    )
    try:
        await decode_json(connection)
        crash = connection.transaction()
        await crash.start()
        await publish_batch(connection, producer)
        await crash.rollback()
        assert (await idle_world.rows())["licensing.outbox"] == 1
        await publish_batch(connection, producer)
        assert "licensing.outbox" not in await idle_world.rows()
    finally:
        await connection.close()
    await services.listener.catch_up()
    one, again = idle_world.heard("license.purchased")
    assert one.envelope == again.envelope
    for heard in (one, again):
        assert await apply(services.plans, [heard.record], LicenseEvent, license_changed, Setbacks()) == 0
    assert (
        await services.owner.fetchval(
            "SELECT paid FROM plans.holdings WHERE tenant_id = $1", idle_world.tenant
        )
        == 1
    )
    assert (await idle_world.rows())["plans.inbox"] == 1
    assert one.record.topic == LICENSING.name


async def test_answers_are_forgotten_after_they_were_kept_long_enough(
    outbox: Outbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "_CLEAN_EVERY", 0)
    monkeypatch.setattr(relaying, "_FORGOTTEN_AT_ONCE", 2)
    await outbox.owner.executemany(
        """
        INSERT INTO licensing.idempotency (tenant_id, key, fingerprint, status, headers, body, created_at)
        VALUES ($1, $2, '', 200, '{}', '', now() - make_interval(hours => $3))
        """,
        [
            *((uuid4(), "old", 49 + hours) for hours in range(5)),
            (uuid4(), "kept", 47),
            (uuid4(), "promised", 24),
        ],
    )

    async def keys() -> set[str]:
        rows: Iterable[asyncpg.Record] = await outbox.owner.fetch("SELECT key FROM licensing.idempotency")
        return {row["key"] for row in rows}

    async with outbox.relay():
        await eventually(keys, until=lambda found: "old" not in found)
    assert await keys() == {"kept", "promised"}


_RELAYS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'siteward % relay'"
)


async def _relays(outbox: Outbox) -> int:
    count: int = await outbox.owner.fetchval(f"SELECT count(*) {_RELAYS}")
    return count


async def _end_relays(outbox: Outbox) -> None:
    await outbox.owner.execute(f"SELECT pg_terminate_backend(pid) {_RELAYS}")


async def _holders(outbox: Outbox) -> int:
    count: int = await outbox.owner.fetchval(
        f"""
        SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
        AND pid IN (SELECT pid {_RELAYS})
        """  # noqa: S608 -- our own words
    )
    return count
