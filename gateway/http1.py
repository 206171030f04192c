"""HTTP/1.1 to one service, over connections that are kept for the next request.

It speaks to our own services alone, so it knows nothing of redirects, cookies, proxies or content codings; and
it tells apart what a general client blurs: whether anything was sent before the connection failed.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

SMALL: Final = 64 * 1024
"""Bytes up to which an answer of known length is waited for whole, which is quicker than in parts."""

HIGH_WATER: Final = 256 * 1024
"""Bytes of an answer that may wait for a slow client before the service is no longer read from."""
_IDLE: Final = 4
"""Seconds an unused connection is kept: less than the 5 s after which a service would close it, so that a
request is not sent on a connection that is just being closed."""
_CONNECT_TIMEOUT: Final = 2.0
_LONGEST_EXCHANGE: Final = 10
"""Times the allowed silence that an exchange may take in all."""


class NotConnected(Exception):
    """There was no connection to be had; nothing was sent."""


class Broken(Exception):
    """The connection ended within an exchange; what was sent may have taken effect."""


class Silent(Exception):
    """The service kept silent for too long; what was sent may have taken effect."""


class Stalled(Exception):
    """Of the request's body nothing more came; the service has not had all of it."""


class Connection(asyncio.Protocol):
    """One connection, and the one exchange that it carries at a time."""

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._writable: asyncio.Future[None] | None = None
        self.is_open = False
        self.began = self.touched = 0
        self._reset(only_head=False)

    def _reset(self, *, only_head: bool) -> None:
        self._only_head = only_head
        self._sent = False
        self._waiter: asyncio.Future[None] | None = None
        self._ready = False
        self._reusable = False
        self._failure: Exception | None = None
        self._parts: list[bytes] = []
        self._waiting_bytes = 0
        self._paused = False
        self._ends_with_connection = False
        self.complete = False
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.length: int | None = None
        """The answer's content-length, where it has one."""

    # What the gateway calls.

    async def exchange(
        self,
        head: bytes,
        *,
        body: AsyncIterator[bytes] | None = None,
        chunked: bool = False,
        only_head: bool = False,
    ) -> None:
        """Send a request, and wait for the head of its answer; of a small one for all of it.

        `head` may carry a small body already. `only_head` says that the answer has no body whatever its
        headers say, as to HEAD. Raises Broken, Silent, Stalled, and whatever reading `body` raises.
        """
        self._reset(only_head=only_head)
        if not self.is_open:
            raise Broken
        self._transport.write(head)
        if body is None:
            self._sent = True
            await self._answered()
            return
        # Both at once, for a service may refuse a body before it has seen all of it.
        upload = asyncio.ensure_future(self._upload(body, chunked=chunked))
        answered = asyncio.ensure_future(self._answered())
        try:
            await asyncio.wait({upload, answered}, return_when=asyncio.FIRST_COMPLETED)
            if upload.done():
                upload.result()
            await answered
        finally:
            upload.cancel()
            answered.cancel()
            await asyncio.gather(upload, answered, return_exceptions=True)

    @property
    def waits_for_caller(self) -> bool:
        """Whether the next thing to come is a part of the request's body, and nothing of the answer is there."""
        return not self._sent and not self._ready and self._writable is None

    def body(self) -> bytes:
        """The whole body of an answer that is complete."""
        return b"".join(self._parts)

    async def parts(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises Broken or Silent when it does not arrive whole."""
        while True:
            if self._parts:
                part = b"".join(self._parts)
                self._parts.clear()
                self._waiting_bytes = 0
                self._read_on()
                yield part
            elif self.complete:
                return
            elif self._failure is not None:
                raise self._failure
            else:
                await self._wait()

    def release(self) -> None:
        """End the exchange; the connection is used again where both sides are through with it."""
        reusable = self.complete and self._sent and self._reusable and self.is_open and not self._only_head
        self._pool.take_back(self, reusable=reusable)

    def give_up(self, failure: Exception) -> None:
        """End the exchange for whoever waits for it, and close the connection."""
        self.is_open = False
        if not self.complete:
            self._failure = failure
            self._wake()
        self._transport.abort()

    async def _upload(self, body: AsyncIterator[bytes], *, chunked: bool) -> None:
        async for part in body:
            if not self.is_open:
                return
            self.touched = self._pool.tick
            self._transport.write(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
            if self._writable is not None:
                await self._writable
        if chunked and self.is_open:
            self._transport.write(b"0\r\n\r\n")
        self._sent = True

    async def _answered(self) -> None:
        while not self._ready:
            if self._failure is not None:
                raise self._failure
            await self._wait()

    async def _wait(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _read_on(self) -> None:
        if self._paused:
            self._paused = False
            if self.is_open:
                self._transport.resume_reading()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        self.touched = self._pool.tick
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self.give_up(Broken(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self.resume_writing()
        if self._ends_with_connection and exc is None and self._failure is None:
            self.on_message_complete()
        elif not self.complete:
            self._failure = self._failure or Broken(str(exc or "closed by the service"))
            self._wake()
        self._pool.forget(self)

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            if not self._writable.done():  # whoever waited may have been cancelled
                self._writable.set_result(None)
            self._writable = None

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self.complete:
            raise ValueError("more than was asked for")  # or it would pass for the next request's answer
        self.headers = []
        self.length = None

    def on_header(self, name: bytes, value: bytes) -> None:
        name = name.lower()
        if name == b"content-length":
            self.length = int(value)
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            return
        self.status = status
        if self._only_head:
            self.on_message_complete()
        elif self.length is None or self.length > SMALL:
            self._ready = True
            chunked = any(name == b"transfer-encoding" for name, _ in self.headers)
            self._ends_with_connection = self.length is None and not chunked
            self._wake()

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)
        self._waiting_bytes += len(body)
        if self._waiting_bytes > HIGH_WATER and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def on_message_complete(self) -> None:
        if not self.status:
            return
        self.complete = self._ready = True
        self._read_on()  # nothing more of this answer comes; the next one finds the connection as it was
        self._reusable = self._parser.should_keep_alive()
        self._wake()


class Pool:
    """The connections to one service."""

    def __init__(self, url: str, *, silence: float) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError(f"{url} is not the http address of a service")
        self._ssl = True if address.scheme == "https" else None
        self._host = address.hostname
        self._port = address.port or (443 if self._ssl else 80)
        self.authority = address.netloc.encode()
        self._silence = silence
        self._idle: list[Connection] = []
        self._busy: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self.tick = 0
        """Seconds gone by, roughly: cheaper than the time of day for each packet."""

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection for one exchange; a `fresh` one has not been used before. Raises NotConnected."""
        connection = None
        while self._idle and not fresh and connection is None:
            found = self._idle.pop()
            connection = found if found.is_open else None
        if connection is None:
            connection = await self._connect()
        connection.began = connection.touched = self.tick
        self._busy.add(connection)
        return connection

    def take_back(self, connection: Connection, *, reusable: bool) -> None:
        self._busy.discard(connection)
        if reusable:
            connection.touched = self.tick
            self._idle.append(connection)
        else:
            connection.give_up(Broken("released"))

    def forget(self, connection: Connection) -> None:
        """A connection that was closed is not to be taken again."""
        self._busy.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)

    def close(self) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        for connection in [*self._idle, *self._busy]:
            connection.give_up(Broken("shutting down"))

    async def _connect(self) -> Connection:
        loop = asyncio.get_running_loop()
        if self._sweeping is None:
            self._sweeping = loop.call_later(1.0, self._sweep)
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT):
                _, connection = await loop.create_connection(
                    lambda: Connection(self), self._host, self._port, ssl=self._ssl
                )
        except OSError as error:  # a timeout is one too
            raise NotConnected(str(error)) from error
        return connection

    def _sweep(self) -> None:
        """Once a second: close what is no longer needed, give up what no longer answers."""
        self.tick += 1
        for connection in [one for one in self._idle if self.tick - one.touched >= _IDLE]:
            self.forget(connection)
            connection.give_up(Broken("unused"))
        for connection in list(self._busy):
            too_long = self.tick - connection.began > self._silence * _LONGEST_EXCHANGE
            if too_long or self.tick - connection.touched > self._silence:
                connection.give_up(Stalled() if connection.waits_for_caller else Silent())
        self._sweeping = asyncio.get_running_loop().call_later(1.0, self._sweep)
