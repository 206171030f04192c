"""HTTP as uvicorn speaks it, but an answer's head and body leave in one write.

uvicorn writes them one after the other, and uvloop makes a system call of each write. Whoever reads the answer
may be woken twice for it.
"""

import asyncio
from typing import Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_MOST: Final = 65_536
"""Bytes that are held back at most; a longer answer goes out in parts, as the client can take them."""


class OneWriteProtocol(HttpToolsProtocol):
    """What is written within one turn of the loop is sent together."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(_Joining(cast("asyncio.Transport", transport), self.loop))


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
