"""The life of a process: its loops run together, and end together.

Crash-only: a loop that fails ends the process with a code other than 0, and whoever started it starts it
again. There is no second way to recover.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import uvicorn
import uvloop
from starlette.types import ASGIApp

from shared.http.protocol import Protocol

_log: Final = logging.getLogger(__name__)
_STOP_SECONDS: Final = 8


class _Stopped(Exception):
    """Ends the task group when the process is told to stop."""


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `main` until it ends, on uvloop."""
    uvloop.run(main())


async def run_until_stopped(*loops: Awaitable[None]) -> None:
    """Run the loops until SIGTERM or SIGINT; raises what a loop raises.

    On a signal every loop is cancelled and has a few seconds to finish what it is doing.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)

    async def wait_for_stop() -> None:
        await stop.wait()
        raise _Stopped

    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(wait_for_stop())
            for one in loops:
                group.create_task(_until_done(one))
    except* _Stopped:
        _log.info("stopped")


async def _until_done(loop: Awaitable[None]) -> None:
    await loop
    raise RuntimeError("a loop that should run for ever has ended")


async def serve(app: ASGIApp, *, host: str, port: int, keep_idle: int = 5) -> None:
    """Serve HTTP until cancelled; requests under way are answered first.

    `keep_idle`: seconds after which a connection is closed that asks nothing, or does not come to the end of asking.
    """
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        loop="none",
        http=Protocol,
        ws="none",
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=keep_idle,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    server = _Server(config)
    serving = asyncio.ensure_future(server.serve())
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True
        await serving
        raise


class _Server(uvicorn.Server):
    """Leaves the signals to the process, which has more than HTTP to stop."""

    def capture_signals(self) -> Any:
        return _no_signals()


class _no_signals:  # noqa: N801 -- a context manager, named as one
    def __enter__(self) -> None: ...
    def __exit__(self, *_: object) -> None: ...


def settle_memory() -> None:
    """Call once all is set up: what lives as long as the process is no longer searched for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
