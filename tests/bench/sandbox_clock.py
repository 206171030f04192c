"""The clock of a sandbox tenant, moved through the gateway."""

import asyncio
import time
from datetime import datetime
from typing import Any, Final

import aiohttp

from shared.events.wire import utc_text
from tests.bench.customers import call

_PATIENCE: Final = 300.0
_POLL: Final = 0.01


async def begin(session: aiohttp.ClientSession, token: str, at: datetime) -> None:
    """Make the caller's tenant a sandbox, whose clock stands at `at`."""
    await call(session, "PUT", "/v1/test-clock", token, {"now": utc_text(at)})


async def advance(session: aiohttp.ClientSession, token: str, to: datetime) -> None:
    """Return once the tenant is quiet at `to`."""
    done: dict[str, Any] = await call(session, "POST", "/v1/test-clock/advance", token, {"to": utc_text(to)})
    deadline = time.monotonic() + _PATIENCE
    while done.get("status") in {"not_started", "running"}:
        if time.monotonic() > deadline:
            raise TimeoutError("time does not pass")
        await asyncio.sleep(_POLL)
        done = await call(session, "GET", f"/v1/operations/{done['id']}", token, None)
    if done.get("status") not in {"ready", "succeeded"}:
        raise RuntimeError(f"the clock was not moved: {done}")
