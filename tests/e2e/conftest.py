"""The whole system, started once for all tests here, and callers of tenants of their own."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import aiohttp
import pytest

from deploy.local.client import Client
from deploy.local.system import System
from tests.support.whole_system import whole_system


@pytest.fixture(scope="session")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with whole_system(request.session) as running:
        yield running


@pytest.fixture(scope="session")
async def stranger(system: System) -> AsyncIterator[Client]:
    """A caller without a token."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, system.url)


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture
async def caller(stranger: Client, tenant: UUID) -> Client:
    """A GlobalAdministrator of a tenant that nobody else uses."""
    return await stranger.with_token(tenant)
