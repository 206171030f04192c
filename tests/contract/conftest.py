"""Both apis on real sockets, and somebody for whom there is something of everything."""

import secrets
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.contract.apis import serving
from tests.contract.inhabited import Inhabited, settle
from tests.support.running import running
from tests.support.servers import Servers


@pytest.fixture(scope="session")
async def _settled(database: str, servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Inhabited:
    """The tenant, made by the whole path, Kafka included."""
    group = f"siteward.plans.{secrets.token_hex(4)}"
    async with running(database, servers.kafka, tmp_path_factory.mktemp("services"), group=group) as services:
        return await settle(services)


@pytest.fixture(scope="session")
def inhabited(
    _settled: Inhabited, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inhabited]:
    """The apis run in a thread of their own, so that a test may wait for an answer.

    They run without Kafka's client, whose use of `random` would make the generated requests unrepeatable.
    """
    with start_blocking_portal() as portal:
        context = portal.wrap_async_context_manager(serving(database, tmp_path_factory.mktemp("apis")))
        with context as urls:
            yield _settled.at(urls)
