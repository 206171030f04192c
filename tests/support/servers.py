"""The real servers that tests run against: one PostgreSQL and one Apache Kafka for a whole pytest session."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import pytest

from deploy.local.lock import Lock
from deploy.local.places import STATE
from deploy.local.servers import kafka, postgres
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
    database = os.environ.get("DATABASE_URL")
    brokers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS")
    async with AsyncExitStack() as running:
        if database is None or brokers is None:
            lock = Lock(_STATE / "lock")
            lock.take()
            running.callback(lock.release)
        if database is None:
            database = (await running.enter_async_context(postgres(_STATE / "postgres"))).address
            await drop_leftovers(database)
        if brokers is None:
            # A topic that other sessions have filled would only take time to read.
            shutil.rmtree(_STATE / "kafka", ignore_errors=True)
            brokers = (await running.enter_async_context(kafka(_STATE / "kafka"))).address
        yield Servers(database, brokers)


@pytest.fixture(scope="session")
async def database(servers: Servers) -> AsyncIterator[str]:
    """The DATABASE_URL of a database of this session, as the migrations of both services leave it."""
    async with migrated_database(servers.postgres, servers.kafka) as url:
        yield url
