"""Sends HTTP requests: as fast as they are answered, or at a fixed rate."""

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httptools

from tests.bench import child
from tests.bench.measure import percentile

_CONNECTIONS_AT_A_RATE: Final = 128


class Connection(asyncio.Protocol):
    """An HTTP/1.1 connection that stays open and carries one request at a time."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[None] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self.status = 0
        self.body = b""

    async def ask(self, request: bytes) -> int:
        """The answer's status; its body is then in `body`."""
        if self._transport is None:
            raise ConnectionError("the connection is not open")
        self.body = b""
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        await self._answered
        return self.status

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._answered is not None and not self._answered.done():
            self._answered.set_exception(ConnectionError(f"broken off: {exc}"))

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.status = self._parser.get_status_code()
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(None)


async def connect(address: str) -> Connection:
    """`address`: of the server, as http://127.0.0.1:8080."""
    host, _, port = urlsplit(address).netloc.partition(":")
    _, connection = await asyncio.get_running_loop().create_connection(Connection, host, int(port))
    return connection


def request(method: str, path: str, token: str, body: str = "") -> str:
    """A whole request; a body is JSON."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Authorization: Bearer {token}"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body])


async def as_fast_as_answered(
    address: str, requests: Sequence[str], callers: int, seconds: float, expected: int
) -> dict[str, Any]:
    """`callers` at once, each asking again when answered. `began` is wall-clock time; latencies in seconds."""
    connections = [await connect(address) for _ in range(callers)]
    latencies: list[float] = []
    clock = time.perf_counter
    began, end = time.time(), clock() + seconds

    async def call(connection: Connection, own: bytes) -> None:
        while (sent := clock()) < end:
            _check(await connection.ask(own), expected, connection)
            latencies.append(clock() - sent)

    own = [one.encode() for one in requests]
    await asyncio.gather(
        *(call(connection, own[place % len(own)]) for place, connection in enumerate(connections))
    )
    took = time.time() - began
    for connection in connections:
        connection.close()
    return {
        "count": len(latencies),
        "began": began,
        "rate": len(latencies) / took,
        "p50": percentile(latencies, 0.5),
        "p99": percentile(latencies, 0.99),
    }


async def at_a_rate(
    address: str,
    requests: Sequence[str],
    *,
    rate: float,
    seconds: float,
    expected: int,
    answered: Callable[[bytes, float], None],
) -> list[float]:
    """The latencies of requests sent `rate` a second, whether or not earlier ones are answered.

    A request that finds all connections busy waits, and its latency with it. `answered` is told of each
    body, and when it came (perf_counter).
    """
    free: asyncio.LifoQueue[Connection] = asyncio.LifoQueue()
    for _ in range(_CONNECTIONS_AT_A_RATE):
        free.put_nowait(await connect(address))
    latencies: list[float] = []
    clock = time.perf_counter

    async def call(own: bytes) -> None:
        sent = clock()
        connection = await free.get()
        _check(await connection.ask(own), expected, connection)
        now = clock()
        latencies.append(now - sent)
        answered(connection.body, now)
        free.put_nowait(connection)

    async with asyncio.TaskGroup() as group:
        began = clock()
        own = cycle([one.encode() for one in requests])
        for place in range(int(rate * seconds)):
            wait = began + place / rate - clock()
            if wait > 0:
                await asyncio.sleep(wait)
            group.create_task(call(next(own)))
    while not free.empty():
        free.get_nowait().close()
    return latencies


def _check(status: int, expected: int, connection: Connection) -> None:
    if status != expected:
        raise RuntimeError(f"answered {status} instead of {expected}: {connection.body.decode()}")


if __name__ == "__main__":
    child.do(as_fast_as_answered)
