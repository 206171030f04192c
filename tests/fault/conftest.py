"""A whole system to kill parts of, and a table of how long each took to come back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

import aiohttp
import pytest

from deploy.local.client import Client
from deploy.local.system import System
from tests.support.whole_system import whole_system


@dataclass(frozen=True, slots=True)
class Recovery:
    """Seconds from a kill -9 on."""

    name: str
    answered: float
    """Until a purchase made after it was answered."""
    projected: float
    """Until the plan showed that purchase."""


_RECOVERIES: Final = pytest.StashKey[list[Recovery]]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "soak: kills for minutes; only where -m soak asks for it")
    config.stash[_RECOVERIES] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if "soak" not in config.option.markexpr:
        items[:] = [item for item in items if item.get_closest_marker("soak") is None]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    recoveries = config.stash[_RECOVERIES]
    if recoveries:
        terminalreporter.section("seconds from kill -9 until ...")
        terminalreporter.line(f"{'killed':<30}{'a purchase is answered':>24}{'its plan shows it':>20}")
    for one in sorted(recoveries, key=lambda recovery: recovery.name):
        terminalreporter.line(f"{one.name:<30}{one.answered:>24.2f}{one.projected:>20.2f}")


@pytest.fixture(scope="module")
async def system(request: pytest.FixtureRequest) -> AsyncIterator[System]:
    async with whole_system(request.session) as running:
        yield running


@pytest.fixture(scope="module")
async def stranger(system: System) -> AsyncIterator[Client]:
    """A caller without a token."""
    async with aiohttp.ClientSession() as session:
        yield Client(session, system.url)


@pytest.fixture
def recoveries(request: pytest.FixtureRequest) -> list[Recovery]:
    """What the table at the end shows."""
    return request.config.stash[_RECOVERIES]
