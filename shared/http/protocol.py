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
"""Bytes of a request's address and headers, as they are sent."""
_AROUND_A_HEADER: Final = len(": \r\n")
_LINGERS: Final = 2.0
"""Seconds for which the rest of what was refused is taken, and thrown away."""


class Protocol(HttpToolsProtocol):
    """One connection.

    Whoever begins no request, or does not come to the end of one, is hung up on after the time for which an idle
    connection is kept, or twice that.
    """

    _piece = 0
    """Bytes of what came last."""
    _unread = 0
    """Bytes that came since a head, a part of a body or a message was complete: of a head, or of trailers."""
    _spans_pieces = False
    """Whether the present head began in an earlier piece."""
    _has_moved = False
    """Whether a head or a message was completed since the last look."""
    _is_refused = False
    _next_look: asyncio.TimerHandle | None = None

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._joining = _Joining(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(self._joining)
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._next_look is not None:
            self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._is_refused:
            return
        self._piece = len(data)
        self._unread += self._piece
        self._spans_pieces = True
        super().data_received(data)
        if self._unread > LONGEST_HEAD and not self._is_refused:
            self._refuse(problems.head_too_large(LONGEST_HEAD))
        if self._next_look is None and not self.transport.is_closing():
            self._look_later()

    def eof_received(self) -> bool:  # type: ignore[override]  # asyncio asks whether to stay open
        """Whoever says that nothing more will come may yet wait for an answer."""
        self._joining.flush()  # what is answered already goes out before the connection is closed
        cycle = self.cycle
        is_due = cycle is not None and not cycle.more_body and not cycle.response_complete
        if is_due:
            cycle.keep_alive = False
        return is_due

    # What the parser calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._spans_pieces = False

    def on_headers_complete(self) -> None:
        self._unread = 0
        self._has_moved = True
        if (self._spans_pieces or self._piece > LONGEST_HEAD) and self._length_of_head() > LONGEST_HEAD:
            self._refuse(problems.head_too_large(LONGEST_HEAD))
            raise ValueError("the head is too large")  # ends the parsing
        super().on_headers_complete()
        self.headers = []  # of trailers, which are no headers of the request (RFC 9110, 6.5.1)

    def on_body(self, body: bytes) -> None:
        self._unread = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._unread = 0
        self._has_moved = True
        super().on_message_complete()

    # What uvicorn calls.

    def send_400_response(self, _: str) -> None:
        if not self._is_refused:
            self._refuse(problems.malformed_request())

    def _refuse(self, problem: Problem) -> None:
        """Read no more, for what follows could not be told apart, and say why where that is no answer to another."""
        self._is_refused = True
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if not cycle.more_body:
                cycle.keep_alive = False  # a whole request came before: it is answered, and that is the end
                return
            cycle.disconnected = True
            cycle.message_event.set()
            if self.pipeline or cycle.response_started:
                self.transport.close()
                return
        self.transport.write(_bytes_of(problem))
        # Closed at once, what was not read would have the caller's system throw the answer away.
        self.transport.write_eof()
        self.loop.call_later(_LINGERS, self.transport.close)

    def _length_of_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + _AROUND_A_HEADER for name, value in self.headers)

    def _look_later(self) -> None:
        self._next_look = self.loop.call_later(self.timeout_keep_alive, self._look)

    def _look(self) -> None:
        self._next_look = None
        is_answering = self.cycle is not None and not self.cycle.response_complete
        if is_answering or self._has_moved:
            self._has_moved = False
            self._look_later()
        elif self.timeout_keep_alive_task is None:
            self.transport.close()


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
        self._has_ended = False

    def write(self, data: Any) -> None:
        if self._has_ended:
            return
        if not self._parts:
            self._loop.call_soon(self.flush)
        self._parts.append(data)
        self._size += len(data)
        if self._size > _MOST:
            self.flush()

    def flush(self) -> None:
        parts, self._parts, self._size = self._parts, [], 0
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))

    def write_eof(self) -> None:
        """The end of all answers; what is written afterwards goes nowhere."""
        self.flush()
        self._has_ended = True
        self._transport.write_eof()

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self._transport.resume_reading()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self._transport.get_extra_info(name, default)
