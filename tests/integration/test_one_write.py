"""Does an answer leave in one piece, and a long one whole?"""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local.ports import HOST
from tests.support.gateway_system import free_port, serving

CHUNK: Final = b"0123456789abcdef" * 512
CHUNKS: Final = 300


async def short(_: Request) -> Response:
    return PlainTextResponse("all of it")


async def long(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    return StreamingResponse(chunks(), headers={"Content-Length": str(CHUNKS * len(CHUNK))})


@pytest.fixture
async def port() -> AsyncIterator[int]:
    app = Starlette(routes=[Route("/short", short), Route("/long", long)])
    port = free_port()
    async with serving(app, port):
        yield port


def a_request(method: str, path: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()


async def test_head_and_body_come_together_and_the_connection_stays_open(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    for _ in range(3):
        writer.write(a_request("GET", "/short"))
        answer = await reader.read(65_536)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert answer.endswith(b"\r\n\r\nall of it")
    writer.close()


async def test_a_head_has_no_body(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(a_request("HEAD", "/short") + a_request("GET", "/short"))
    head = await reader.readuntil(b"\r\n\r\n")
    assert b"content-length: 9" in head
    assert (await reader.readuntil(b"all of it")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_a_long_answer_comes_whole_to_a_slow_reader(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port, limit=1024)
    writer.write(a_request("GET", "/long"))
    await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(CHUNKS * len(CHUNK)) == CHUNK * CHUNKS
    writer.close()
