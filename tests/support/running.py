"""Both services as they run in production, their loops in tasks of this process and their apis on real sockets."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import aiohttp
import asyncpg
import orjson
from aiokafka.errors import KafkaError
from fastapi import FastAPI

from deploy.local.ports import HOST, Ports
from services.licensing import app as licensing
from services.licensing.store.catalog import Catalog
from services.plans import app as plans
from services.plans.handlers.license_changed import license_changed
from shared.activation.keys import SigningKey, write_private
from shared.db.database import Database, connect
from shared.db.unreachable import UNREACHABLE
from shared.events.licensing import LicenseEvent
from shared.events.topics import LICENSING, PLANS
from shared.identity import Principal
from shared.kafka.consumer import consume
from shared.kafka.relay import relay
from shared.process import serve
from shared.settings import ServiceSettings
from tests.support.eventually import eventually
from tests.support.listening import Listener, listening
from tests.support.service_calls import SIGNING_KEY, Caller, ServiceClient
from tests.support.topics import start_at_the_end

ADMINISTRATOR: Final = frozenset({"GlobalAdministrator"})
POOL: Final = 8
_log: Final = logging.getLogger(__name__)


@dataclass(slots=True)
class Services:
    """Licensing and plans on one database, with the parts a test may want to reach into."""

    database_url: str
    kafka: str
    owner: asyncpg.Pool
    """Connections as the owner of the tables, whom no policy holds back."""
    licensing: Database
    plans: Database
    apps: dict[str, FastAPI]
    listener: Listener
    urls: dict[str, str]
    http: aiohttp.ClientSession
    loops: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    def caller(
        self,
        tenant: UUID,
        principal: str = "ada@example.com",
        roles: frozenset[str] = ADMINISTRATOR,
    ) -> Caller:
        who = Principal(principal, tenant, roles)
        return Caller(who, *(ServiceClient(self.http, url, who) for url in self.urls.values()))

    def check(self) -> None:
        """Raise what ended a loop that should run for ever."""
        for name, loop in self.loops.items():
            if loop.done():
                raise RuntimeError(f"{name} has ended") from loop.exception()

    async def tables_with_tenant(self) -> list[str]:
        """As `schema.table`."""
        return [name for (name,) in await self.owner.fetch(_WITH_TENANT)]

    async def rows(self, tenant: UUID) -> dict[str, int]:
        """How many rows the tenant has, by table; tables without any are left out.

        Seals are not counted: the workers make them by themselves, moments later.
        """
        counts = " UNION ALL ".join(
            f"SELECT '{table}' AS name, count(*) AS rows FROM {table} WHERE tenant_id = $1"  # noqa: S608 -- our own tables
            for table in await self.tables_with_tenant()
            if not table.endswith(".audit_seals")
        )
        return {row["name"]: row["rows"] for row in await self.owner.fetch(counts, tenant) if row["rows"]}


_WITH_TENANT: Final = """
    SELECT format('%s.%s', table_schema, table_name) FROM information_schema.columns
    WHERE table_schema IN ('licensing', 'plans') AND column_name = 'tenant_id' ORDER BY 1
"""


@asynccontextmanager
async def running(
    database_url: str, kafka: str, folder: Path, *, group: str | None
) -> AsyncIterator[Services]:
    """Both apis, and, as consumer group `group`, the loops of both workers; None: the apis alone.

    `folder` takes the public key by which the services know the gateway.
    """
    keys = folder / "internal-keys.json"
    keys.write_bytes(orjson.dumps({"keys": [SIGNING_KEY.as_dict(private=False)]}))
    activation = folder / "activation-keys.json"
    activation.write_bytes(write_private([SigningKey.new()]))
    settings = ServiceSettings.model_validate(
        {
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP_SERVERS": kafka,
            "internal_keys": keys,
            "signing_keys": activation,
            "test_clocks": True,
        }
    )
    async with AsyncExitStack() as open_:
        owner = await open_.enter_async_context(asyncpg.create_pool(database_url, min_size=0, max_size=4))
        databases = {
            schema: await open_.enter_async_context(
                connect(database_url, role=f"{schema}_app", schema=schema, size=POOL, application="tests")
            )
            for schema in (licensing.SCHEMA, plans.SCHEMA)
        }
        catalog = await Catalog.load(databases["licensing"])
        apps = {
            "licensing": licensing.api_app(databases["licensing"], catalog, settings),
            "plans": plans.api_app(databases["plans"], settings),
        }
        ports = Ports()
        at = {name: ports.take() for name in apps}
        loops: dict[str, Coroutine[Any, Any, None]] = {
            f"{name} api": serve(app, host=HOST, port=at[name]) for name, app in apps.items()
        }
        if group is not None:
            watch = await open_.enter_async_context(licensing.watch_schedule(settings))
            watch_plans = await open_.enter_async_context(plans.watch_schedule(settings))
            await start_at_the_end(kafka, LICENSING, group)
            await start_at_the_end(kafka, PLANS, f"{group}.licensing")
            of_workers: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
                "licensing schedule": lambda: licensing.schedule(
                    databases["licensing"], watch, catalog, sandboxes=True
                ),
                "licensing consumer": lambda: licensing.follow_sites(
                    databases["licensing"], settings, group=f"{group}.licensing"
                ),
                "licensing seals": lambda: licensing.seal(databases["licensing"], settings),
                "licensing relay": lambda: relay(database_url, kafka, schema="licensing"),
                "plans schedule": lambda: plans.schedule(databases["plans"], watch_plans, sandboxes=True),
                "plans consumer": lambda: consume(
                    databases["plans"],
                    kafka,
                    topic=LICENSING,
                    kind=LicenseEvent,
                    group=group,
                    instance="1",
                    handle=license_changed,
                ),
                "plans seals": lambda: plans.seal(databases["plans"], settings),
                "plans relay": lambda: relay(database_url, kafka, schema="plans"),
            }
            loops |= {name: _supervised(loop) for name, loop in of_workers.items()}
        services = Services(
            database_url,
            kafka,
            owner,
            databases["licensing"],
            databases["plans"],
            apps,
            await open_.enter_async_context(listening(kafka)),
            {name: f"http://{HOST}:{port}" for name, port in at.items()},
            await open_.enter_async_context(_http()),
        )
        services.loops = {name: asyncio.create_task(loop, name=name) for name, loop in loops.items()}
        try:
            await eventually(lambda: _answer(services))
            yield services
        finally:
            for task in services.loops.values():
                task.cancel()
            await asyncio.wait(services.loops.values())


async def _supervised(loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run the loop for ever, begun anew as the supervisor does where a connection was lost.

    Tests that run long without awaiting stop the loops of this process, also in the middle of a transaction or
    while the broker is asked, and PostgreSQL ends what is idle there.
    """
    while True:
        try:
            await loop()
        except* (*UNREACHABLE, KafkaError) as lost:  # a consumer raises them in a group
            _log.warning("begun anew after %r", lost.exceptions)


def _http() -> aiohttp.ClientSession:
    # The apis close a connection that nobody used for 5 s, and a request just sent on it would be lost.
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(keepalive_timeout=2))


async def _answer(services: Services) -> bool:
    services.check()
    try:
        for url in services.urls.values():
            async with services.http.get(f"{url}/readyz") as answer:
                if not answer.ok:
                    return False
    except aiohttp.ClientConnectionError:
        return False
    return True
