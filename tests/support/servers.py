"""The real servers that tests run against: one PostgreSQL and one Apache Kafka for a whole pytest session."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Final

import pytest

from deploy.local.lock import Lock
from deploy.local.places import STATE
from deploy.local.servers import Server, kafka, postgres
from tests.support.databases import drop_leftovers, migrated_database

_STATE: Final = STATE / "test"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where the servers are; both hold data of other tests too."""

    postgres: str
    """The address of a PostgreSQL whose login may make databases and roles, as a DATABASE_URL."""
    kafka: str
    """KAFKA_BOOTSTRAP_SERVERS."""


@pytest.fixture(scope="session")
async def servers() -> AsyncIterator[Servers]:
    """Those that DATABASE_URL and KAFKA_BOOTSTRAP_SERVERS name; in place of what is not set, new ones."""
    given = Servers(os.environ.get("DATABASE_URL", ""), os.environ.get("KAFKA_BOOTSTRAP_SERVERS", ""))
    async with AsyncExitStack() as running:

        async def started(server: AbstractAsyncContextManager[Server]) -> str:
            return (await running.enter_async_context(server)).address

        if not (given.postgres and given.kafka):
            lock = Lock(_STATE / "lock")
            lock.take()
            running.callback(lock.release)
        async with asyncio.TaskGroup() as starting:
            if not given.postgres:
                database = starting.create_task(started(postgres(_STATE / "postgres")))
            if not given.kafka:
                # A topic that other sessions have filled would only take time to read.
                shutil.rmtree(_STATE / "kafka", ignore_errors=True)
                broker = starting.create_task(started(kafka(_STATE / "kafka")))
        servers = Servers(given.postgres or database.result(), given.kafka or broker.result())
        if not given.postgres:
            await drop_leftovers(servers.postgres)
        yield servers


@pytest.fixture(scope="session")
async def database(servers: Servers) -> AsyncIterator[str]:
    """The DATABASE_URL of a database of this session, as the migrations of both services leave it."""
    async with migrated_database(servers.postgres, servers.kafka) as url:
        yield url
