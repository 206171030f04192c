"""How a request reaches a service and its answer comes back."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from gateway.exchange import HOP_BY_HOP, Exchange, Headers
from gateway.http1 import SMALL, Broken, Connection, NotConnected, Pool, Silent, Stalled
from shared.http.problems import MEDIA_TYPE, Refused, internal_error, request_timeout, unavailable

_REPEATABLE: Final = ("GET", "HEAD")
_BODILESS: Final = ("GET", "HEAD", "DELETE", "OPTIONS")
_FIRST_PAUSE: Final = 0.02
_LONGEST_PAUSE: Final = 0.25
# The gateway says these for itself; a service's word about them does not pass.
_NOT_RETURNED: Final = HOP_BY_HOP | {b"date", b"server", b"x-request-id", b"ratelimit", b"ratelimit-policy"}

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """A service's answer to a question of the gateway's own."""

    status: int
    body: bytes


class Upstream:
    """One service behind the gateway.

    A service that refuses connections has been sent nothing, so a request waits for it up to `patience`
    seconds. What broke after sending is sent again where that can do no harm, else answered with 503.
    """

    def __init__(self, name: str, url: str, *, patience: float, silence: float) -> None:
        self.name = name
        self._pool = Pool(url, silence=silence)
        self._host = [(b"host", self._pool.authority)]
        self._patience = patience

    def close(self) -> None:
        self._pool.close()

    async def forward(self, exchange: Exchange, authorization: bytes) -> None:
        """Pass the request on, `authorization` in place of the caller's, and the answer back.

        Raises Refused (503 when there is no answer, 408 when the body does not come), and ClientGone.
        """
        headers = [
            *exchange.to_forward,
            (b"x-request-id", exchange.request_id),
            (b"traceparent", exchange.traceparent),
        ]
        if authorization:
            headers.append((b"authorization", authorization))
        whole, parts = b"", None
        if exchange.has_body:
            if exchange.content_length is None:
                headers.append((b"transfer-encoding", b"chunked"))
                parts = exchange.body()
            elif exchange.content_length > SMALL:
                headers.append((b"content-length", b"%d" % exchange.content_length))
                parts = exchange.body()
            else:
                whole = await exchange.whole_body(SMALL)
                headers.append((b"content-length", b"%d" % len(whole)))
        elif exchange.method not in _BODILESS:
            headers.append((b"content-length", b"0"))
        connection = await self._send(exchange.method, exchange.target, headers, whole, parts)
        try:
            await self._give_back(connection, exchange)
        finally:
            connection.release()

    async def ask(
        self, method: str, path: str, *, authorization: bytes = b"", body: bytes | None = None
    ) -> Answer:
        """Put a question of the gateway's own. Raises Refused (503) when there is no answer."""
        headers = [(b"authorization", authorization)] if authorization else []
        if body is not None:
            headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        connection = await self._send(method, path.encode(), headers, body or b"", None)
        try:
            whole = b"".join([part async for part in connection.parts()])
        except (Broken, Silent) as error:
            raise Refused(unavailable()) from error
        finally:
            connection.release()
        return Answer(connection.status, whole)

    async def _send(
        self, method: str, target: bytes, headers: Headers, body: bytes, parts: AsyncIterator[bytes] | None
    ) -> Connection:
        """A connection on which the answer has begun. Raises Refused (503; 408 where the body does not come)."""
        if not any(name == b"host" for name, _ in headers):
            headers = self._host + headers
        lines = b"".join([b"%b: %b\r\n" % header for header in headers])
        head = b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target, lines, body)
        chunked = (b"transfer-encoding", b"chunked") in headers
        repeatable = method in _REPEATABLE and parts is None
        fresh = False
        while True:
            connection = await self._connect(fresh=fresh)
            try:
                await connection.exchange(head, body=parts, chunked=chunked, only_head=method == "HEAD")
            except Broken as error:
                connection.release()
                _log.warning("%s broke off a %s: %s", self.name, method, error)
                if not repeatable:
                    raise Refused(unavailable()) from error
                repeatable, fresh = False, True
            except Silent as error:
                connection.release()
                _log.warning("%s keeps silent on a %s", self.name, method)
                raise Refused(unavailable()) from error
            except Stalled as error:
                connection.release()
                raise Refused(request_timeout()) from error
            except BaseException:
                connection.release()
                raise
            else:
                return connection

    async def _connect(self, *, fresh: bool) -> Connection:
        deadline: float | None = None
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._pool.take(fresh=fresh)
            except NotConnected as error:
                now = time.monotonic()
                deadline = deadline or now + self._patience
                if now + pause > deadline:
                    _log.warning("%s cannot be reached: %s", self.name, error)
                    raise Refused(unavailable()) from error
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _give_back(self, connection: Connection, exchange: Exchange) -> None:
        status = connection.status
        headers = [header for header in connection.headers if header[0] not in _NOT_RETURNED]
        if status == 401:
            _log.error("%s does not believe this gateway: does it know the signing key?", self.name)
            raise Refused(internal_error())
        if status >= 500 and not _is_problem(headers):
            # An error of the server under the service, not of the service: nobody's to see.
            raise Refused(internal_error())
        await exchange.start(status, headers)
        if connection.complete:
            await exchange.body_part(connection.body(), more=False)
            return
        try:
            async for part in connection.parts():
                await exchange.body_part(part, more=True)
        except (Broken, Silent) as error:
            # Too late for another status: the client sees the connection cut instead of a shortened body.
            _log.warning("%s broke off within an answer: %r", self.name, error)
            return
        await exchange.body_part(b"", more=False)


def _is_problem(headers: Headers) -> bool:
    return any(name == b"content-type" and value.startswith(MEDIA_TYPE.encode()) for name, value in headers)
