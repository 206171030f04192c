"""What the tests of this folder share: both services running, and a tenant of its own for each test."""

import secrets
from collections.abc import AsyncIterator

import pytest

from tests.support.databases import migrated_database
from tests.support.running import Services, running
from tests.support.servers import Servers
from tests.support.world import World


@pytest.fixture(scope="session")
async def services(
    database: str, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    """Both services with their workers, for the whole session."""
    folder = tmp_path_factory.mktemp("services")
    group = f"siteward.plans.{secrets.token_hex(4)}"
    async with running(database, servers.kafka, folder, group=group) as services:
        yield services


@pytest.fixture
def world(services: Services) -> World:
    """A tenant that nobody else uses."""
    return World(services)


@pytest.fixture(scope="session")
async def idle(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Services]:
    """Both apis on a database of their own and without workers: what is in the outbox stays there."""
    async with migrated_database(servers.postgres, servers.kafka) as url:
        folder = tmp_path_factory.mktemp("idle")
        async with running(url, servers.kafka, folder, group=None) as services:
            yield services


@pytest.fixture
def idle_world(idle: Services) -> World:
    """A tenant whose events nobody carries."""
    return World(idle)
