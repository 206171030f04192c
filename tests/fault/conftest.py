"""A whole system to kill parts of, and a table of how long each took to come back."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from statistics import median
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


_GOAL: Final = 5.0
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
        terminalreporter.section("seconds from kill -9 until a purchase works again")
        terminalreporter.line(f"{'killed':<18}{'times':>7}{'answered':>18}{'shown by its plan':>20}")
        terminalreporter.line(f"{'':<25}{'median':>9}{'worst':>9}{'median':>11}{'worst':>9}")
    for name in sorted({one.name for one in recoveries}):
        answered = [one.answered for one in recoveries if one.name == name]
        projected = [one.projected for one in recoveries if one.name == name]
        over = "" if max(projected) <= _GOAL else f"  over the goal of {_GOAL:.0f} s"
        terminalreporter.line(
            f"{name:<18}{len(projected):>7}{median(answered):>9.2f}{max(answered):>9.2f}"
            f"{median(projected):>11.2f}{max(projected):>9.2f}{over}"
        )


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
