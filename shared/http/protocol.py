"""HTTP/1.1 as uvicorn speaks it, with what it leaves open.

An answer's head and body leave in one write: uvicorn writes them one after the other, uvloop makes a system call of
each write, and whoever reads the answer may be woken twice for it. A request's head has a bound and a time to come
in. What is no HTTP is refused by a problem document, as everything else is.
"""

import asyncio
from http import HTTPStatus
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shared.http import problems
from shared.http.problems import MEDIA_TYPE, Problem
from shared.ids import new_id

_MOST: Final = 65_536
"""Bytes that are held back at most; a longer answer goes out in parts, as the client can take them."""
LONGEST_HEAD: Final = 65_536
"""Bytes of a request's address and headers."""
_LINGERS: Final = 2.0
"""Seconds for which the rest of what was refused is taken, and thrown away."""


class Protocol(HttpToolsProtocol):
    """One connection; whoever begins no request, or does not end its head, is waited for as an idle one is."""

    _in_head = False
    _head = 0
    """Bytes that came of a head since the piece in which it began."""
    _may_be = 0
    """Bytes that a head which ends in the present piece has at most."""
    _is_too_long = False
    _is_refused = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_Joining(cast("asyncio.Transport", transport), self.loop))
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_longer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        goes_on, self._may_be = self._in_head, self._head + len(data)
        super().data_received(data)
        if not self._in_head or self._is_refused or self.transport.is_closing():
            return
        if goes_on:
            self._head = self._may_be
        if self._head > LONGEST_HEAD:
            self._is_too_long = True
            self.send_400_response("")
        elif self._patience is None:
            self._wait()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._wait_no_longer()
        if self._may_be > LONGEST_HEAD and self._length() > LONGEST_HEAD:
            self._is_too_long = True
            raise ValueError("the head is too long")  # to the parser, which has it refused
        self._head = 0
        super().on_headers_complete()

    def send_400_response(self, _: str) -> None:
        """Refuse what is no request, and read no more: what follows could not be told apart.

        Closed at once, what was not read would have the caller's system throw the answer away.
        """
        self._is_refused = True
        problem = problems.head_too_large(LONGEST_HEAD) if self._is_too_long else problems.malformed_request()
        self.transport.write(_bytes_of(problem))
        self.transport.write_eof()
        self._wait_no_longer()
        self._patience = self.loop.call_later(_LINGERS, self.transport.close)

    def _length(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _wait(self) -> None:
        self._patience = self.loop.call_later(self.timeout_keep_alive, self.transport.close)

    def _wait_no_longer(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def _bytes_of(problem: Problem) -> bytes:
    request_id = str(new_id())
    body = problem.document(instance="/", request_id=request_id)
    lines = (
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}",
        f"content-type: {MEDIA_TYPE}",
        f"content-length: {len(body)}",
        f"x-request-id: {request_id}",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class _Joining(asyncio.Transport):
    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, data: Any) -> None:
        if not self._parts:
            self._loop.call_soon(self._send)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self._send()

    def _send(self) -> None:
        if self._parts:
            self._transport.write(b"".join(self._parts))
            self._parts.clear()
            self._size = 0

    def write_eof(self) -> None:
        self._send()
        self._transport.write_eof()

    def close(self) -> None:
        self._send()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
