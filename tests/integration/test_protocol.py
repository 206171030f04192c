"""Does an answer leave in one piece, and is what is no request refused, and not waited for?"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from deploy.local.ports import HOST
from shared.http.protocol import LONGEST_HEAD
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


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO /short HTTP/1.1\r\nHost: here\r\n\r\n",
        b"get /short HTTP/1.1\r\nHost: here\r\n\r\n",
        b"GET /sh ort HTTP/1.1\r\nHost: here\r\n\r\n",
        b"POST /short HTTP/1.1\r\nHost: here\r\nContent-Length: x\r\n\r\n",
        b"POST /short HTTP/1.1\r\nHost: here\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"\x16\x03\x01\x02\x00",
    ],
)
async def test_what_is_no_request_gets_a_problem_document_and_no_further_answer(
    port: int, sent: bytes
) -> None:
    status, problem = await refusal(port, sent)
    assert (status, problem["status"], problem["code"]) == (400, 400, "MalformedRequest")


@pytest.mark.parametrize("size", [LONGEST_HEAD, 300_000, 3_000_000])
async def test_a_head_that_is_too_large_is_refused(port: int, size: int) -> None:
    for head in (b"GET /short HTTP/1.1\r\nX-Long: " + b"x" * size, b"GET /short?" + b"x" * size):
        status, problem = await refusal(port, head + b"\r\n\r\n")
        assert (status, problem["code"]) == (431, "HeadTooLarge")


async def test_a_head_below_the_bound_is_taken_also_after_a_large_body_and_in_pieces(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    body = b"x" * 1_000_000
    writer.write(b"GET /short HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    head = b"GET /short HTTP/1.1\r\nX-Long: " + b"x" * (LONGEST_HEAD - 100)
    for piece in (head[:20], head[20:40_000], head[40_000:], b"\r\n\r\n"):
        writer.write(piece)
        await writer.drain()
    for _ in range(2):
        assert (await reader.readuntil(b"all of it")).startswith(b"HTTP/1.1 200 OK\r\n")
    writer.close()


async def test_a_connection_that_does_not_come_to_ask_is_closed() -> None:
    port = free_port()

    async def closed_after(answered: bytes, sent: bytes) -> None:
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(answered)
        if answered:
            await reader.readuntil(b"all of it")
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()

    begun = (b"", b"GET /sh", b"GET /short HTTP/1.1\r\nHost:")
    async with serving(Starlette(routes=[Route("/short", short)]), port, keep_idle=1):
        await asyncio.gather(
            *(
                closed_after(answered, sent)
                for answered in (b"", a_request("GET", "/short"))
                for sent in begun
            )
        )


async def refusal(port: int, sent: bytes) -> tuple[int, Any]:
    """The status and the problem document that are the last thing to come."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    try:
        head, _, body = (await asyncio.wait_for(reader.read(), 5)).partition(b"\r\n\r\n")
    finally:
        writer.close()
    assert b"content-type: application/problem+json" in head
    problem = orjson.loads(body)
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return int(head.split()[1]), problem
