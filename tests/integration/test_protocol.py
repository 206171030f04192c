"""Does an answer leave in one piece, and is what is no request refused, and not waited for?"""

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any, Final

import orjson
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route
from uvicorn.server import ServerState

from deploy.local.ports import HOST
from shared.http.protocol import LONGEST_HEAD, Protocol
from tests.support.eventually import eventually
from tests.support.gateway_system import free_port, serving

CHUNK: Final = b"0123456789abcdef" * 512
CHUNKS: Final = 300
NO_HTTP: Final = b"\x16\x03\x01\x02\x00"


async def short(_: Request) -> Response:
    return PlainTextResponse("all of it")


async def long(_: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(CHUNKS):
            yield CHUNK

    return StreamingResponse(chunks(), headers={"Content-Length": str(CHUNKS * len(CHUNK))})


async def halves(request: Request) -> Response:
    """Two halves, the second one when the client has said more."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"one half, "
        await request.app.state.go_on.wait()
        yield b"and the other"

    return StreamingResponse(chunks(), headers={"Content-Length": "23"})


async def whole(request: Request) -> Response:
    return PlainTextResponse(f"all {len(await request.body())} of it")


async def late(request: Request) -> Response:
    await request.body()
    return PlainTextResponse(" ".join(name for name in request.headers if name.startswith("x-")))


def an_app() -> Starlette:
    paths = {"/short": short, "/long": long, "/halves": halves, "/whole": whole, "/late": late}
    app = Starlette(routes=[Route(path, answer, methods=["GET", "POST"]) for path, answer in paths.items()])
    app.state.go_on = asyncio.Event()
    return app


@pytest.fixture
def app() -> Starlette:
    return an_app()


@pytest.fixture
async def port(app: Starlette) -> AsyncIterator[int]:
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
        b"POST /whole HTTP/1.1\r\nHost: here\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        NO_HTTP,
    ],
)
async def test_what_is_no_request_gets_a_problem_document_and_no_further_answer(
    port: int, sent: bytes
) -> None:
    status, problem = await refusal(port, sent)
    assert (status, problem["status"], problem["code"]) == (400, 400, "MalformedRequest")


async def test_a_whole_request_is_answered_whatever_comes_after_it(port: int) -> None:
    answer = await everything(port, a_request("GET", "/short") + NO_HTTP)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"\r\n\r\nall of it")


async def test_an_answer_that_is_under_way_is_the_last_thing_to_come(app: Starlette) -> None:
    protocol, wire = connected(app)
    protocol.data_received(a_request("GET", "/halves"))
    await eventually(wire.now, until=lambda written: written.endswith(b"one half, "))
    protocol.data_received(NO_HTTP)
    app.state.go_on.set()
    written = await eventually(wire.now, until=lambda _: wire.is_closing())
    assert written.endswith(b"\r\n\r\none half, and the other")
    protocol.connection_lost(None)


async def test_who_sends_no_more_is_still_answered(port: int) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(b"POST /whole HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc")
    writer.write_eof()
    assert (await asyncio.wait_for(reader.read(), 5)).endswith(b"\r\n\r\nall 3 of it")
    writer.close()


@pytest.mark.parametrize("size", [LONGEST_HEAD, 300_000, 3_000_000])
async def test_a_head_that_is_too_large_is_refused(port: int, size: int) -> None:
    for head in (b"GET /short HTTP/1.1\r\nX-Long: " + b"x" * size, b"GET /short?" + b"x" * size):
        status, problem = await refusal(port, head + b"\r\n\r\n")
        assert (status, problem["code"]) == (431, "HeadTooLarge")


async def test_trailers_are_bounded_too(port: int) -> None:
    trailers = b"0\r\nX-Long: " + b"x" * 1_000_000
    for path in ("/whole", "/short"):  # not answered yet, and answered already
        sent = f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + trailers
        assert b"HeadTooLarge" in await everything(port, sent)


async def test_trailers_are_no_headers(port: int) -> None:
    sent = b"POST /late HTTP/1.1\r\nTransfer-Encoding: chunked\r\nX-Early: 1\r\nConnection: close\r\n\r\n"
    answer = await everything(port, sent + b"0\r\nX-Late: 1\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nx-early")


@pytest.mark.parametrize("cut", [1, 20, 65_000, LONGEST_HEAD - 1])
@pytest.mark.parametrize(("headers", "size"), [(1, LONGEST_HEAD), (9_000, 1)])
async def test_the_bound_is_the_same_however_a_head_is_cut(headers: int, size: int, cut: int) -> None:
    head = b"GET /short HTTP/1.1\r\n" + (b"X-Long: %b\r\n" % (b"x" * size)) * headers + b"\r\n"
    assert await answered_in_pieces(head) == [431]
    assert await answered_in_pieces(head[:cut], head[cut:]) == [431]


async def test_pieces_count_for_the_head_that_they_are_of() -> None:
    body = b"POST /whole HTTP/1.1\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000
    head = b"GET /short HTTP/1.1\r\nX-Long: " + b"x" * (LONGEST_HEAD - 100) + b"\r\n\r\n"
    for cuts in (
        (30,),
        (30, len(body) + 5),
        (len(body) + 40_000, len(body) + 60_000),
        (100, 50_000, 120_000),
    ):
        sent, ends = body + head, (0, *cuts, len(body + head))
        pieces = [sent[start:end] for start, end in pairwise(ends)]
        assert await answered_in_pieces(*pieces) == [200, 200]


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


async def everything(port: int, sent: bytes) -> bytes:
    """All that comes until the connection is closed."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(sent)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def refusal(port: int, sent: bytes) -> tuple[int, Any]:
    """The status and the problem document that are all that comes."""
    head, _, body = (await everything(port, sent)).partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head
    problem = orjson.loads(body)
    assert f"x-request-id: {problem['request_id']}".encode() in head
    return int(head.split()[1]), problem


async def answered_in_pieces(*pieces: bytes) -> list[int]:
    """The statuses of the answers to what comes in just these pieces."""
    protocol, wire = connected(an_app())
    for piece in pieces:
        protocol.data_received(piece)
    requests = 1 if protocol.cycle is None else 2

    async def statuses() -> list[int]:
        return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", await wire.now())]

    try:
        return await eventually(statuses, until=lambda found: len(found) == requests)
    finally:
        protocol.connection_lost(None)


def connected(app: Starlette) -> tuple[Protocol, "Wire"]:
    config = uvicorn.Config(app, lifespan="off", log_config=None)
    config.load()
    protocol, wire = Protocol(config, ServerState(), {}), Wire()
    protocol.connection_made(wire)
    return protocol, wire


class Wire(asyncio.Transport):
    """What a protocol writes to, where the test says in which pieces it reads."""

    def __init__(self) -> None:
        super().__init__()
        self._written = b""
        self._is_closing = False

    async def now(self) -> bytes:
        return self._written

    def write(self, data: Any) -> None:
        self._written += data

    def write_eof(self) -> None: ...

    def close(self) -> None:
        self._is_closing = True

    def is_closing(self) -> bool:
        return self._is_closing

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...
