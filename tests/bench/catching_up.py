"""How fast does the projection catch up with what it missed, beside consuming and writing alone?"""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from services.licensing.store.catalog import Catalog
from services.plans.handlers.license_changed import license_changed
from shared.db.database import Session, connect, decode_json, session_settings
from shared.db.tables import outbox
from shared.events.licensing import LicenseEvent
from shared.events.topics import Topic
from shared.kafka.admin import ensure_topic
from shared.kafka.consumer import Received, consume
from shared.process import settle_memory
from tests.bench import child
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.purchases import rows_of_one
from tests.bench.testbed import Testbed, buyer, in_process

_TOPIC: Final = Topic("bench.catching-up.v1", "/siteward/licensing", "license id", "Purchases missed.", {})
_TENANTS: Final = 16
_EVENTS: Final = 10_000
_BATCH: Final = 500
_CLEAN: Final = """
    SET session_replication_role = replica;  -- an audit is not emptied otherwise
    TRUNCATE plans.inbox, plans.held_licenses, plans.holdings, plans.tenants, plans.outbox, plans.audit_events
"""
_WRITE: Final = """
    WITH received AS (
        INSERT INTO inbox (event_id, source, tenant_id)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[])
    )
    INSERT INTO held_licenses
        (license_id, tenant_id, sku, site_size, max_devices, quantity, status, purchased_at, term_end, version)
    SELECT * FROM unnest($4::uuid[], $3::uuid[], $5::text[], $6::text[], $7::int[], $8::int[], $9::text[],
                         $10::timestamptz[], $11::timestamptz[], $12::int[])
"""
_SUBSCRIPTIONS: Final = """
    INSERT INTO plans.subscriptions (id, tenant_id, display_name, version)
    SELECT t, t, 'bench', 1 FROM unnest($1::uuid[]) AS t
"""
_PLANS: Final = """
    INSERT INTO plans.plans
        (subscription_id, tenant_id, status, legacy, price_plan, licensed_sites, terms_version, terms_accepted_at,
         added_at, version)
    SELECT t, t, 'active', false, 'microsoft_365', '[]', '1', now(), now(), 1 FROM unnest($1::uuid[]) AS t
"""


async def measure(bed: Testbed) -> list[Figure]:
    url = await bed.database("catching_up")
    bootstrap = bed.system.kafka_bootstrap_servers
    await _fill(url, bootstrap)

    async def caught_up(side: str) -> float:
        connection = await asyncpg.connect(url)
        await connection.execute(_CLEAN)
        await connection.close()
        done = await in_process("catching_up", side=side, url=url, bootstrap=bootstrap)
        return float(done["rate"])

    rates = await in_turns(
        {"ours": lambda: caught_up("ours"), "bare": lambda: caught_up("bare")}, bed.repetitions
    )
    return [
        figure(
            "projection rate while catching up",
            "events/s",
            rates["ours"],
            rates["bare"],
            limited_by="bare aiokafka consume + asyncpg write of inbox and licenses, 500 at a time",
            at_least=0.3,
        )
    ]


async def _fill(url: str, bootstrap: str) -> None:
    """Publish purchases of tenants that have a plan each."""
    tenants = [uuid4() for _ in range(_TENANTS)]
    connection = await asyncpg.connect(url)
    await connection.execute(_SUBSCRIPTIONS, tenants)
    await connection.execute(_PLANS, tenants)
    await connection.close()
    await ensure_topic(bootstrap, _TOPIC, partitions=6, replication=1)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=5)
    await producer.start()
    async with connect(
        url, role="licensing_app", schema="licensing", size=2, application="bench"
    ) as database:
        catalog = await Catalog.load(database)
        for place in range(_EVENTS):
            by = buyer(tenants[place % _TENANTS])
            writes = rows_of_one(database, catalog, by=by, now=datetime.now(UTC))
            (row,) = (
                dict(zip(columns, row, strict=True))
                for (table, columns, _), (row,) in writes.rows.items()
                if table is outbox
            )
            headers = [(name, value.encode()) for name, value in row["headers"].items()]
            await producer.send(_TOPIC.name, row["value"], key=row["key"].encode(), headers=headers)
    await producer.stop()


async def catch_up(side: str, url: str, bootstrap: str) -> dict[str, Any]:
    """Events a second, from the first batch in hand until the last is committed."""
    reading = await asyncpg.connect(url)
    began: list[float] = []
    work = asyncio.create_task(_SIDES[side](url, bootstrap, began))
    while await reading.fetchval("SELECT count(*) FROM plans.held_licenses") < _EVENTS:
        if work.done():
            await work
        await asyncio.sleep(0.01)
    rate = _EVENTS / (time.perf_counter() - began[0])
    work.cancel()
    await asyncio.wait([work])
    await reading.close()
    return {"rate": rate}


async def _ours(url: str, bootstrap: str, began: list[float]) -> None:
    async def handle(session: Session, received: Sequence[Received]) -> None:
        if not began:
            began.append(time.perf_counter())
        await license_changed(session, received)

    async with connect(url, role="plans_app", schema="plans", size=4, application="bench") as database:
        settle_memory()
        group = f"bench.{uuid4()}"
        await consume(
            database, bootstrap, topic=_TOPIC, group=group, instance="1", kind=LicenseEvent, handle=handle
        )


async def _bare(url: str, bootstrap: str, began: list[float]) -> None:
    connection = await asyncpg.connect(url, server_settings=session_settings("plans_app", "plans", "bench"))
    await decode_json(connection)
    tenants = await _tenants(url)
    await connection.execute(f"SET app.tenants = '{{{','.join(tenants)}}}'")
    consumer = AIOKafkaConsumer(
        _TOPIC.name, bootstrap_servers=bootstrap, auto_offset_reset="earliest", enable_auto_commit=False
    )
    await consumer.start()
    settle_memory()
    while True:
        found = await consumer.getmany(timeout_ms=500, max_records=_BATCH)
        records = [record for part in found.values() for record in part]
        if not records:
            continue
        if not began:
            began.append(time.perf_counter())
        rows = [_row(record) for record in records]
        await connection.execute(_WRITE, *zip(*rows, strict=True))


def _row(record: Any) -> tuple[Any, ...]:
    headers = dict(record.headers)
    license = orjson.loads(record.value)["license"]
    return (
        UUID(headers["ce_id"].decode()),
        headers["ce_source"].decode(),
        UUID(headers["ce_tenantid"].decode()),
        UUID(license["id"]),
        license["sku"],
        license["site_size"],
        license["max_devices"],
        license["quantity"],
        license["status"],
        datetime.fromisoformat(license["purchased_at"]),
        datetime.fromisoformat(license["term_end"]),
        license["version"],
    )


async def _tenants(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        return [str(row["tenant_id"]) for row in await connection.fetch("SELECT tenant_id FROM plans.plans")]
    finally:
        await connection.close()


_SIDES: Final = {"ours": _ours, "bare": _bare}

if __name__ == "__main__":
    child.do(catch_up)
