"""The frame of a process that does one job for the bench: the job as its input, the result as its last line."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import orjson

from shared.process import run


def do(work: Callable[..., Coroutine[Any, Any, dict[str, Any]]]) -> None:
    """Do `work` on the event loop that the services use, with the job's fields as its arguments."""
    job = orjson.loads(sys.stdin.read())

    async def main() -> None:
        result = await work(**job)
        sys.stdout.write(orjson.dumps(result).decode() + "\n")

    run(main)
