"""`make run`: the whole system in a terminal, until Ctrl-C."""

import asyncio
import logging
import os
import signal
import sys
import time
from typing import Final

from deploy.local.errors import SetupError
from deploy.local.places import STATE
from deploy.local.process import tie_to_parent
from deploy.local.services import GATEWAY, PORTS
from deploy.local.system import System

TENANT: Final = "5a3b1f8e-0c6d-4b57-9d2e-7f4a6c1b9e02"
"""The sample tenant that the printed token is for."""
_TOKEN_HOURS: Final = 12
_LAST_PORT: Final = 65535


def main() -> int:
    """Returns the exit code."""
    if "MAKELEVEL" in os.environ:
        tie_to_parent(signal.SIGTERM)  # make dies without telling us when it is killed
    # That a broker which is starting cannot be reached yet is no news.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(_run_until_told(time.monotonic()))
    except SetupError as problem:
        _say(f"Siteward cannot start: {problem}")
        return 1
    return 0


async def _run_until_told(began: float) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    system = System(STATE, port=_gateway_port(), preferred_ports=True, durable=True, say=_say)
    told = asyncio.create_task(stop.wait())
    up = asyncio.create_task(system.start())
    try:
        await asyncio.wait([told, up], return_when=asyncio.FIRST_COMPLETED)
        if up.done():
            await up
            _say(await _welcome(system, time.monotonic() - began))
            await told
        _say("stopping …")
    finally:
        up.cancel()
        await asyncio.wait([up])
        await system.stop()
    _say("stopped")


def _gateway_port() -> int:
    given = os.environ.get("SITEWARD_PORT") or str(PORTS[GATEWAY])
    if not given.isdecimal() or not 0 < int(given) <= _LAST_PORT:
        raise SetupError(f"SITEWARD_PORT is no port: {given}")
    return int(given)


async def _welcome(system: System, seconds: float) -> str:
    import aiohttp  # noqa: PLC0415 - slow to import; by now it has been, while the servers started

    wish = {
        "tenant_id": TENANT,
        "principal": "ada@example.com",
        "roles": ["GlobalAdministrator"],
        "scopes": [],
        "expires_in": _TOKEN_HOURS * 3600,
    }
    async with (
        aiohttp.ClientSession(raise_for_status=True) as session,
        session.post(f"{system.url}/dev/tokens", json=wish) as response,
    ):
        token = (await response.json())["access_token"]
    port = _gateway_port()
    demo = "make demo" if port == PORTS[GATEWAY] else f"make demo SITEWARD_PORT={port}"
    return f"""
Siteward is ready at {system.url} after {seconds:.1f} s. Ctrl-C stops it; `{demo}` shows what it does.

A token for a sample tenant, good for {_TOKEN_HOURS} hours:

  TOKEN={token}

A first request, which buys three licenses:

  curl -s {system.url}/v1/licenses -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \\
    -d '{{"sku": "OT_SITE_L", "quantity": 3, "billing_frequency": "annual"}}'
"""


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
