"""`make bench`: measures the figures, each beside a limit of the same run, and writes bench.json."""

import argparse
import asyncio
import logging
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from deploy.local.errors import SetupError
from deploy.local.places import PROJECT
from tests.bench import catching_up, end_to_end, gateway, lag, plans, rows, statements, write_layer, year
from tests.bench.measure import Figure, table, write
from tests.bench.testbed import Testbed, testbed

_GROUPS: Final[Mapping[str, Callable[[Testbed], Awaitable[list[Figure]]]]] = {
    "end-to-end": end_to_end.measure,
    "write-layer": write_layer.measure,
    "lag": lag.measure,
    "gateway": gateway.measure,
    "catching-up": catching_up.measure,
    "rows": rows.measure,
    "year": year.measure,
    "plans": plans.measure,
    "statements": statements.measure,
}
_FOOT: Final = """
Value and limit are medians, the ratio is the median of the ratios of paired, alternating repetitions.
Everything shares the cores of this machine: what is measured, PostgreSQL, the broker and the load generators,
on both sides of every ratio. Both sides use the same durable servers (fsync on, acks=all)."""


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", choices=_GROUPS, help="measure this group alone; bench.json then has no more"
    )
    parser.add_argument("--quick", action="store_true", help="short runs, for a first look")
    asked = parser.parse_args()
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        figures = asyncio.run(
            _measure([asked.only] if asked.only else list(_GROUPS), 1 if asked.quick else 3)
        )
    except SetupError as problem:
        _say(f"Nothing can be measured: {problem}")
        return 1
    _say("\n" + table(figures) + _FOOT)
    return 0


async def _measure(names: list[str], seconds: float) -> list[Figure]:
    began = time.monotonic()
    figures: list[Figure] = []
    _say("bringing up a system of its own")
    async with testbed(seconds=seconds, repetitions=5) as bed:
        for name in names:
            _say(f"{time.monotonic() - began:5.0f} s  {name}")
            figures += await _GROUPS[name](bed)
            write(figures, PROJECT / "bench.json")  # what is measured is kept, should a later group fail
    _say(f"{time.monotonic() - began:5.0f} s  done")
    return figures


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
