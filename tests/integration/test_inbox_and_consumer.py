"""Has every event its effect exactly once, and is what cannot have one set aside with its key?"""

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import orjson
import pytest
from aiokafka import ConsumerRecord
from aiokafka.admin import AIOKafkaAdminClient
from sqlalchemy import func, literal, select, table

from deploy.local.ports import HOST, Ports
from services.plans.handlers.license_changed import license_changed
from shared.db.database import Database, Session, connect
from shared.db.statement import Statement
from shared.events.licensing import LicenseEvent
from shared.events.topics import Topic
from shared.ids import new_id
from shared.kafka.consumer import Received, Setbacks, Stalled, apply, consume
from tests.support.eventually import eventually
from tests.support.histories import History, Told, a_record, record
from tests.support.running import Services
from tests.support.topics import new_topic, producing
from tests.support.world import World


class Plans:
    """Plans' side of the event path for one tenant, fed by hand."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tenant = uuid4()

    async def apply(self, *told: Told | ConsumerRecord) -> int:
        """Apply them as one batch; how many were parked."""
        records = [record(one) if isinstance(one, Told) else one for one in told]
        return await apply(self.services.plans, records, LicenseEvent, license_changed, Setbacks())

    async def held(self, tenant: UUID | None = None) -> dict[str, int]:
        """How many sites of each size, as the sum that plans are derived from says."""
        sizes = await self.services.owner.fetchval(
            """
            SELECT jsonb_object_agg(size ->> 'site_size', size -> 'quantity')
            FROM plans.holdings, jsonb_array_elements(sizes) AS size WHERE tenant_id = $1
            """,
            tenant or self.tenant,
        )
        return {} if sizes is None else dict(sorted(orjson.loads(sizes).items()))

    async def parked(self, *keys: bytes) -> list[str]:
        """The reasons for which records of these keys were parked."""
        rows = await self.services.owner.fetch(
            'SELECT reason FROM plans.parked_events WHERE key = ANY ($1) ORDER BY "position"',
            [key.decode() for key in keys],
        )
        return [row["reason"] for row in rows]

    async def inbox(self) -> int:
        return (await self.services.rows(self.tenant)).get("plans.inbox", 0)


@pytest.fixture
def plans(idle: Services) -> Plans:
    return Plans(idle)


async def test_the_same_event_delivered_twice_has_one_effect(plans: Plans) -> None:
    (bought,) = History(plans.tenant, "L", 3).events
    for _ in range(3):
        assert await plans.apply(bought) == 0
    assert await plans.held() == {"L": 3}
    assert await plans.inbox() == 1


async def test_the_same_event_twice_in_one_batch_has_one_effect(plans: Plans) -> None:
    (bought,) = History(plans.tenant, "L", 3).events
    assert await plans.apply(bought, bought, bought) == 0
    assert await plans.held() == {"L": 3}
    assert await plans.inbox() == 1


async def test_an_older_version_than_is_known_is_dropped(plans: Plans) -> None:
    bought, grown, cancelled = History(plans.tenant, "L", 3).grown_to(5).cancelled().events
    await plans.apply(bought, grown)
    assert await plans.apply(bought.once_more()) == 0
    assert await plans.held() == {"L": 5}
    await plans.apply(cancelled)
    assert await plans.apply(grown.once_more(), bought.once_more()) == 0
    assert await plans.held() == {}


async def test_an_event_that_leaves_a_gap_is_parked_and_the_missing_one_is_still_taken(plans: Plans) -> None:
    bought, grown, cancelled = History(plans.tenant, "L", 3).grown_to(5).cancelled().events
    await plans.apply(bought)
    assert await plans.apply(cancelled) == 1
    (reason,) = await plans.parked(bought.key)
    assert "VersionGap" in reason
    assert await plans.held() == {"L": 3}
    assert await plans.apply(grown) == 0
    assert await plans.held() == {"L": 5}
    # Being parked is no effect: driven again, it is applied.
    assert await plans.apply(cancelled) == 0
    assert await plans.held() == {}


async def test_a_license_of_which_the_first_event_is_missing_is_parked(plans: Plans) -> None:
    _, grown = History(plans.tenant).grown_to(5).events
    assert await plans.apply(grown) == 1
    assert await plans.held() == {}


async def test_one_bad_record_in_a_batch_is_parked_and_all_others_take_effect(plans: Plans) -> None:
    good = [History(plans.tenant, size, 2) for size in ("XS", "S", "M", "L", "XL")]
    bad = History(plans.tenant)
    broken = record(bad.events[0], value=b"{")
    batch: list[Told | ConsumerRecord] = [one.events[0] for one in good]
    batch.insert(2, broken)
    assert await plans.apply(*batch) == 1
    assert await plans.held() == {"L": 2, "M": 2, "S": 2, "XL": 2, "XS": 2}
    assert len(await plans.parked(broken.key)) == 1
    assert await plans.inbox() == len(good)


async def test_after_a_parked_record_the_later_ones_of_its_key_are_parked_and_other_keys_go_on(
    plans: Plans,
) -> None:
    bought, grown, cancelled = History(plans.tenant, "L").grown_to(5).cancelled().events
    other = History(plans.tenant, "XS", 4).grown_to(7).events
    broken = record(bought, value=b"{}")
    assert await plans.apply(broken, other[0], grown, other[1], cancelled) == 3
    assert await plans.held() == {"XS": 7}
    assert len(await plans.parked(bought.key)) == 3


async def test_a_parked_record_is_kept_as_it_came(plans: Plans) -> None:
    (bought,) = History(plans.tenant).events
    came = record(bought, value=b"{", partition=2)
    for _ in range(2):
        assert await plans.apply(came) == 1
    kept = await plans.services.owner.fetchrow(
        'SELECT topic, partition, "position", key, headers, value FROM plans.parked_events WHERE key = $1',
        bought.key.decode(),
    )
    assert (kept["topic"], kept["partition"], kept["position"]) == (came.topic, 2, came.offset)
    assert (kept["key"], kept["value"]) == (bought.key.decode(), b"{")
    assert orjson.loads(kept["headers"]) == {name: value.decode() for name, value in came.headers}


def _without(headers: Iterable[tuple[str, bytes]], name: str) -> list[tuple[str, bytes]]:
    return [header for header in headers if header[0] != name]


@pytest.mark.parametrize(
    "damage",
    [
        {"value": None},
        {"value": b""},
        {"value": b"null"},
        {"value": b"\xff\xfe"},
        {"value": b'{"license": {}, "changed": [], "previous": {}}'},
        {"headers": ()},
        {"headers": (("ce_type", b"siteward.license.purchased.v1"),)},
        {"headers": (("ce_type", b"\xff"), ("ce_type", b"\x00"))},
    ],
    ids=str,
)
async def test_a_malformed_record_is_parked(plans: Plans, damage: dict[str, Any]) -> None:
    (bought,) = History(plans.tenant).events
    assert await plans.apply(record(bought, **damage)) == 1
    assert len(await plans.parked(bought.key)) == 1
    assert await plans.inbox() == 0


@pytest.mark.parametrize(
    "name",
    [
        "ce_id",
        "ce_source",
        "ce_type",
        "ce_subject",
        "ce_time",
        "ce_tenantid",
        "ce_aggregateversion",
        "ce_partitionkey",
        "content-type",
    ],
)
async def test_a_record_that_lacks_a_part_of_its_envelope_is_parked(plans: Plans, name: str) -> None:
    (bought,) = History(plans.tenant).events
    assert await plans.apply(record(bought, headers=_without(bought.envelope.headers(), name))) == 1
    (reason,) = await plans.parked(bought.key)
    assert name in reason


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (None, [("ce_type", b"x")]),
        (b"\x00\xff", [("ce_type", b"x")]),
        (b"k", [("a\x00b", b"x")]),
        (b"k", [("ce_type", b"a\x00b")]),
        (b"k", [("ce_type", b"\xff\xfe")]),
    ],
    ids=["no key", "zero byte in the key", "in a header's name", "in a header", "no text"],
)
async def test_whatever_bytes_a_record_has_it_can_be_parked(
    plans: Plans, key: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    (bought,) = History(plans.tenant, "L", 2).events
    assert await plans.apply(a_record(key, b"\x00", headers), bought) == 1
    assert await plans.held() == {"L": 2}


async def test_a_zero_byte_in_an_events_text_is_its_own_fault(plans: Plans) -> None:
    (bought,) = History(plans.tenant).events
    odd = bought.value.replace(b'"site_size":"L"', b'"site_size":"\\u0000"')
    assert odd != bought.value
    (good,) = History(plans.tenant, "XS").events
    assert await plans.apply(record(bought, value=odd), good) == 1
    assert await plans.held() == {"XS": 1}


async def test_a_type_of_a_later_release_takes_effect_by_the_license_it_carries(plans: Plans) -> None:
    bought, grown, cancelled = History(plans.tenant, "L", 3).grown_to(5).cancelled().events
    later = Told(replace(grown.envelope, type="siteward.license.imagined.v1"), grown.event)
    assert await plans.apply(bought, later) == 0
    assert await plans.held() == {"L": 5}
    assert await plans.apply(cancelled) == 0  # no gap before it
    assert await plans.held() == {}


async def test_what_is_of_another_version_or_about_something_else_is_passed_by(plans: Plans) -> None:
    (bought,) = History(plans.tenant).events
    v2 = Told(replace(bought.envelope, type="siteward.license.purchased.v2"), bought.event)
    other = Told(replace(bought.envelope, type="siteward.voucher.sold.v1", subject="voucher/1"), bought.event)
    assert await plans.apply(v2, other) == 0
    assert await plans.parked(bought.key) == []
    assert await plans.services.rows(plans.tenant) == {}


async def test_a_batch_that_is_parked_key_after_key_ends_the_process_and_what_is_parked_is_bounded(
    plans: Plans,
) -> None:
    setbacks = Setbacks(most=5)
    missing = [History(plans.tenant).grown_to(2).events[1] for _ in range(9)]
    passed_by = record(replace(missing[0], envelope=replace(missing[0].envelope, subject="voucher/1")))
    batch = [one for told in missing for one in (record(told), passed_by)]
    with pytest.raises(Stalled, match="5 keys"):
        await apply(plans.services.plans, batch, LicenseEvent, license_changed, setbacks)
    assert len(await plans.parked(*(told.key for told in missing))) == 4


async def test_one_key_that_is_parked_again_and_again_stands_in_nobodys_way(plans: Plans) -> None:
    setbacks = Setbacks(most=2)
    broken = History(plans.tenant).grown_to(2).grown_to(3).grown_to(4)
    (bought,) = History(plans.tenant, "L", 3).events
    database = plans.services.plans
    for told in broken.events[1:]:
        assert await apply(database, [record(told)], LicenseEvent, license_changed, setbacks) == 1
    assert await apply(database, [record(bought)], LicenseEvent, license_changed, setbacks) == 0
    assert await plans.held() == {"L": 3}
    other = History(plans.tenant).grown_to(2).events[1]
    assert await apply(database, [record(other)], LicenseEvent, license_changed, setbacks) == 1


async def test_a_field_of_a_later_release_does_no_harm(plans: Plans) -> None:
    (bought,) = History(plans.tenant, "L", 3).events
    data = orjson.loads(bought.value)
    data["more"] = data["license"]["color"] = "red"
    richer = orjson.dumps(data)
    assert await plans.apply(record(bought, value=richer)) == 0
    assert await plans.held() == {"L": 3}


async def test_an_event_about_another_tenants_license_is_parked_and_changes_neither(plans: Plans) -> None:
    bought, cancelled = History(plans.tenant, "L", 3).cancelled().events
    thief = uuid4()
    await plans.apply(bought)
    stolen = replace(cancelled, envelope=replace(cancelled.envelope, tenantid=thief))
    assert await plans.apply(stolen) == 1
    assert await plans.held() == {"L": 3}
    assert await plans.held(thief) == {}
    # In one batch with an event of that tenant, too.
    (more,) = History(plans.tenant, "XS").events
    again = replace(stolen, envelope=replace(stolen.envelope, id=str(new_id())))
    assert await plans.apply(more, again) == 1
    assert await plans.held() == {"L": 3, "XS": 1}


async def test_events_of_many_tenants_are_one_batch(plans: Plans) -> None:
    histories = [History(uuid4(), "S", number) for number in range(1, 21)]
    assert await plans.apply(*(history.events[0] for history in histories)) == 0
    for number, history in enumerate(histories, 1):
        assert await plans.held(history.tenant) == {"S": number}


async def test_each_effect_in_a_batch_goes_on_with_the_trace_of_its_own_cause(idle_world: World) -> None:
    services = idle_world.services
    worlds = [idle_world, World(services)]
    causes = []
    for number, world in enumerate(worlds, 1):
        (first,) = History(world.tenant).events
        await apply(services.plans, [record(first)], LicenseEvent, license_changed, Setbacks())
        await world.add_plan(await world.link())
        (bought,) = History(world.tenant, "XS").events
        trace = f"00-{number:032x}-{number:016x}-01"
        causes.append(replace(bought, envelope=replace(bought.envelope, traceparent=trace)))
    assert (
        await apply(
            services.plans, [record(one) for one in causes], LicenseEvent, license_changed, Setbacks()
        )
        == 0
    )
    for world, cause in zip(worlds, causes, strict=True):
        told = await services.owner.fetchval(
            "SELECT headers ->> 'ce_traceparent' FROM plans.outbox WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1",
            world.tenant,
        )
        assert cause.envelope.traceparent is not None
        assert (told or "").split("-")[1:2] == cause.envelope.traceparent.split("-")[1:2]


async def test_any_interleaving_with_repeats_ends_in_the_same_holdings(plans: Plans) -> None:
    # Kafka keeps the order within a key, and neither that between keys nor that nothing comes twice.
    chance = random.Random(20260301)  # noqa: S311 -- chance, not secrecy

    def histories(tenant: UUID) -> list[History]:
        return [
            History(tenant, "XS", 4).grown_to(9),
            History(tenant, "XS", 1).cancelled(),
            History(tenant, "L", 2).grown_to(3).grown_to(5),
            History(tenant, "L", 1).grown_to(2).cancelled(),
            History(tenant, "XL", 7),
        ]

    expected = {"L": 5, "XL": 7, "XS": 9}
    for _ in range(8):
        tenant = uuid4()
        waiting = [list(history.events) for history in histories(tenant)]
        wire: list[Told] = []
        while any(waiting):
            wire.append(chance.choice([events for events in waiting if events]).pop(0))
            while chance.random() < 0.4:
                wire.append(chance.choice(wire))
        while wire:
            size = chance.randint(1, 6)
            assert await plans.apply(*wire[:size]) == 0
            del wire[:size]
        assert await plans.held(tenant) == expected


class TestTroubleOfTheDatabase:
    """It is not the record's fault: nothing is parked, and the process ends to come back to the same record."""

    async def test_a_database_that_cannot_be_reached_parks_nothing(self, plans: Plans) -> None:
        (bought,) = History(plans.tenant).events
        nowhere = f"postgresql://nobody:secret@{HOST}:{Ports().take()}/none"
        async with connect(nowhere, role="plans_app", schema="plans", size=2, application="tests") as gone:
            with pytest.raises(OSError, match="Connect"):
                await apply(gone, [record(bought)], LicenseEvent, license_changed, Setbacks())
        assert await plans.parked(bought.key) == []

    async def test_a_connection_that_is_ended_parks_nothing(self, plans: Plans) -> None:
        (bought,) = History(plans.tenant).events
        end = Statement(select(func.pg_terminate_backend(func.pg_backend_pid())))

        async def end_connection(session: Session, _: Sequence[Received]) -> None:
            await session.rows(end)

        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await apply(plans.services.plans, [record(bought)], LicenseEvent, end_connection, Setbacks())
        assert await plans.parked(bought.key) == []
        assert await plans.inbox() == 0
        assert await plans.apply(bought) == 0

    async def test_a_lock_that_does_not_come_parks_nothing(self, plans: Plans) -> None:
        bought, cancelled = History(plans.tenant).cancelled().events
        await plans.apply(bought)
        impatient = connect(
            plans.services.database_url, role="plans_app", schema="plans", size=1, application="tests"
        )
        async with impatient as database, plans.services.owner.acquire() as other, other.transaction():
            await other.execute("SELECT FROM plans.tenants WHERE tenant_id = $1 FOR UPDATE", plans.tenant)
            await _set(database, "lock_timeout", "50")
            with pytest.raises(asyncpg.LockNotAvailableError):
                await apply(database, [record(cancelled)], LicenseEvent, license_changed, Setbacks())
        assert await plans.parked(bought.key) == []
        assert await plans.apply(cancelled) == 0

    async def test_a_table_that_is_not_there_yet_parks_nothing(self, plans: Plans) -> None:
        (bought,) = History(plans.tenant).events

        async def ask_too_early(session: Session, _: Sequence[Received]) -> None:
            await session.rows(Statement(select(literal(1)).select_from(_NOT_YET)))

        with pytest.raises(asyncpg.UndefinedTableError):
            await apply(plans.services.plans, [record(bought)], LicenseEvent, ask_too_early, Setbacks())
        assert await plans.parked(bought.key) == []


class TestOnTheBroker:
    """The whole loop, on a topic and a group of the test's own."""

    @staticmethod
    @asynccontextmanager
    async def consumer(
        services: Services, topic: Topic, group: str, instance: str = "1"
    ) -> AsyncIterator["asyncio.Task[None]"]:
        task = asyncio.create_task(
            consume(
                services.plans,
                services.kafka,
                topic=topic,
                group=group,
                instance=instance,
                kind=LicenseEvent,
                handle=license_changed,
            )
        )
        try:
            yield task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def test_a_new_group_starts_from_the_beginning_and_goes_on_past_what_it_parks(
        self, plans: Plans
    ) -> None:
        services = plans.services
        topic = await new_topic(services.kafka)
        history = History(plans.tenant, "L", 2).grown_to(3)
        async with producing(services.kafka) as producer:

            async def send(told: Told, value: bytes | None = None) -> None:
                await producer.send_and_wait(
                    topic.name, value or told.value, key=told.key, headers=told.envelope.headers()
                )

            poison = History(plans.tenant).events[0]
            await send(poison, b"poison")
            await send(history.events[0])
            async with self.consumer(services, topic, f"test.{secrets.token_hex(4)}"):
                await eventually(plans.held, until=lambda held: held == {"L": 2})
                await send(history.events[1])
                await eventually(plans.held, until=lambda held: held == {"L": 3})
                await eventually(lambda: plans.parked(poison.key), until=lambda parked: len(parked) == 1)

    async def test_a_consumer_that_comes_back_repeats_nothing_in_effect(self, plans: Plans) -> None:
        services = plans.services
        topic, group = await new_topic(services.kafka), f"test.{secrets.token_hex(4)}"
        async with producing(services.kafka) as producer:
            for size in ("XS", "S", "M", "L", "XL"):
                (told,) = History(plans.tenant, size, 2).events
                await producer.send_and_wait(
                    topic.name, told.value, key=told.key, headers=told.envelope.headers()
                )
                async with self.consumer(services, topic, group):
                    await eventually(plans.held, until=_holds(size, 2))
        assert await plans.held() == {"L": 2, "M": 2, "S": 2, "XL": 2, "XS": 2}
        assert await plans.inbox() == 5

    async def test_a_second_consumer_shares_the_work_and_nothing_is_lost_or_done_twice(
        self, plans: Plans
    ) -> None:
        services = plans.services
        topic, group = await new_topic(services.kafka), f"test.{secrets.token_hex(4)}"
        histories = [History(plans.tenant, "S", 1).grown_to(2).grown_to(3) for _ in range(40)]
        async with producing(services.kafka) as producer:

            async def send(version: int) -> None:
                for history in histories:
                    told = history.events[version - 1]
                    await producer.send(topic.name, told.value, key=told.key, headers=told.envelope.headers())
                await producer.flush()

            async with self.consumer(services, topic, group, "1"):
                await send(1)
                await eventually(plans.held, until=lambda held: held == {"S": 40})
                async with self.consumer(services, topic, group, "2"):
                    await send(2)
                    await eventually(lambda: _members(services.kafka, group), until=lambda count: count == 2)
                    await send(3)
                    await eventually(plans.held, until=lambda held: held == {"S": 120})
        assert await plans.inbox() == 120
        assert await plans.parked(*(history.events[0].key for history in histories)) == []


def _holds(size: str, quantity: int) -> Callable[[dict[str, int]], bool]:
    return lambda held: held.get(size) == quantity


async def _set(database: Database, name: str, value: str) -> None:
    """For the only connection that the database has."""
    await database.pool.execute(f"SET {name} = {value}")


async def _members(kafka: str, group: str) -> int:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        (described,) = await admin.describe_consumer_groups([group])
        (_, _, state, _, _, members, *_) = described.groups[0]
        return len(members) if state == "Stable" else 0
    finally:
        await admin.close()


_NOT_YET = table("a_table_of_a_later_migration")
