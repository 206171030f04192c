"""Does `python -m gateway` start from the environment alone, and stop when it is told to?"""

import asyncio
import os
import signal
import sys
from pathlib import Path

import aiohttp
import pytest

from tests.support.gateway_system import Client, KeyFiles, Upstream, free_port, serving, until


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return KeyFiles(tmp_path)


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", env=os.environ | environment, stderr=asyncio.subprocess.PIPE
    )


async def test_it_serves_until_it_is_told_to_stop(keys: KeyFiles) -> None:
    upstream, port = Upstream("licensing"), free_port()
    process = await start(
        {
            "SITEWARD_PORT": str(port),
            "SITEWARD_INTERNAL_SIGNING_KEY": str(keys.signing_file),
            "SITEWARD_DEV_ISSUER_KEY": str(keys.issuer_file),
            "SITEWARD_LICENSING_URL": upstream.url,
            "SITEWARD_PLANS_URL": upstream.url,
        }
    )
    async with serving(upstream, upstream.port), aiohttp.ClientSession() as session:
        client = Client(f"http://127.0.0.1:{port}", session)

        async def lives() -> bool:
            try:
                async with client.request("GET", "/livez") as answer:
                    return bool(answer.status == 200)
            except aiohttp.ClientConnectorError:
                return False

        await until(lives)
        async with client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer:
            assert await answer.json() == {"from": "licensing"}
        process.send_signal(signal.SIGTERM)
        _, said = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode == 0
    assert b"THE DEVELOPMENT ISSUER IS ON" in said


async def test_it_does_not_start_where_nobody_would_be_believed(keys: KeyFiles) -> None:
    process = await start({"SITEWARD_INTERNAL_SIGNING_KEY": str(keys.signing_file)})
    _, said = await asyncio.wait_for(process.communicate(), 10)
    assert process.returncode != 0
    assert b"nobody could call" in said
