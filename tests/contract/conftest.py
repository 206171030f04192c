"""Both services on real servers, and somebody for whom there is something of everything."""

import secrets
from collections.abc import Iterator

import pytest
from anyio.from_thread import start_blocking_portal

from tests.contract.inhabited import Inhabited, settle
from tests.support.running import running
from tests.support.servers import Servers


@pytest.fixture(scope="session")
def inhabited(
    database: str, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Inhabited]:
    """The services run in a thread of their own, so that a test may wait for an answer."""
    folder = tmp_path_factory.mktemp("services")
    group = f"siteward.plans.{secrets.token_hex(4)}"
    with start_blocking_portal() as portal:
        context = portal.wrap_async_context_manager(running(database, servers.kafka, folder, group=group))
        with context as services:
            yield portal.call(settle, services)
