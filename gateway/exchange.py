"""One request and its answer, as the gateway sees them: headers sorted once, a request id on every answer."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, MutableMapping
from random import getrandbits
from typing import Any, Final, TypeAlias

from pydantic import BaseModel
from uuid_utils import uuid7

from shared.http.etags import etag_of, is_known
from shared.http.problems import MEDIA_TYPE, Problem, Refused, content_too_large, request_timeout

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers: TypeAlias = list[tuple[bytes, bytes]]

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Headers that speak about one connection and are not passed on (RFC 9110, 7.6.1)."""

# What the gateway says to a service in its own words, or what a caller could pretend with.
_OURS: Final = frozenset(
    {
        b"authorization",
        b"content-length",
        b"expect",
        b"forwarded",
        b"http2-settings",
        b"traceparent",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-forwarded-proto",
        b"x-real-ip",
        b"x-request-id",
    }
)
_KEPT_BACK: Final = HOP_BY_HOP | _OURS
_REQUEST_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)
_WHOLE_BODY: Final = 30.0
"""Seconds in which a small body has to come; one that is passed on as it comes is given up when nothing does."""
_JSON: Final = (b"content-type", b"application/json")


class ClientGone(Exception):
    """The client left before its request was complete."""


class Exchange:
    """One request and its answer."""

    __slots__ = (
        "_receive",
        "_send",
        "authorization",
        "content_length",
        "extra_headers",
        "has_body",
        "method",
        "path",
        "request_id",
        "scope",
        "status",
        "to_forward",
        "traceparent",
    )

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.status = 0
        """Of the answer; 0 until it has begun."""
        self.extra_headers: Headers = []
        """What every answer of this exchange carries besides: the rate limits."""
        self.to_forward: Headers = []
        """The headers that a service is to see, without those that the gateway says in its own words."""
        said: dict[bytes, bytes] = {}
        for header in scope["headers"]:
            if header[0] in _KEPT_BACK:
                said[header[0]] = header[1]
            else:
                self.to_forward.append(header)
        self.authorization = said.get(b"authorization")
        length = said.get(b"content-length")
        self.content_length = None if length is None else int(length)
        self.has_body = b"transfer-encoding" in said or bool(self.content_length)
        self.request_id = _request_id(said.get(b"x-request-id"))
        if b"connection" in said:
            self._drop({token.strip().lower() for token in said[b"connection"].split(b",")})
        traceparent = said.get(b"traceparent")
        if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
            traceparent = b"00-%032x-%016x-01" % (getrandbits(128) or 1, getrandbits(64) or 1)
            self._drop({b"tracestate"})
        self.traceparent = traceparent

    def _drop(self, names: set[bytes]) -> None:
        self.to_forward = [header for header in self.to_forward if header[0] not in names]

    @property
    def target(self) -> bytes:
        """Path and query as they came."""
        path: bytes = self.scope["raw_path"]
        query: bytes = self.scope["query_string"]
        return path + b"?" + query if query else path

    @property
    def client_address(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    def header(self, name: bytes) -> bytes | None:
        """A header of the request that is asked for too rarely to be looked up beforehand."""
        return next((value for known, value in self.scope["headers"] if known == name), None)

    async def body(self) -> AsyncGenerator[bytes, None]:
        """The request's body as it arrives, so that a large one never stands in memory as a whole.

        Raises ClientGone.
        """
        more = True
        while more:
            message = await self._receive()
            if message["type"] != "http.request":
                raise ClientGone
            more = message.get("more_body", False)
            if chunk := message.get("body", b""):
                yield chunk

    async def whole_body(self, limit: int) -> bytes:
        """The whole body, for what the gateway answers itself or what is small.

        Raises Refused (413 above `limit` bytes, 408 when it takes too long), and ClientGone.
        """
        if self.content_length is not None and self.content_length > limit:
            raise Refused(content_too_large(limit))
        body = b""
        try:
            async with asyncio.timeout(_WHOLE_BODY):
                async for chunk in self.body():
                    body += chunk
                    if len(body) > limit:
                        raise Refused(content_too_large(limit))
        except TimeoutError:
            raise Refused(request_timeout()) from None
        return body

    async def start(self, status: int, headers: Iterable[tuple[bytes, bytes]]) -> None:
        """Begin the answer; `body_part` has to follow."""
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, (b"x-request-id", self.request_id), *self.extra_headers],
            }
        )

    async def body_part(self, part: bytes, *, more: bool) -> None:
        await self._send({"type": "http.response.body", "body": part, "more_body": more})

    async def answer(self, status: int, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> None:
        """Answer with a body that is complete."""
        await self.start(status, [*headers, (b"content-length", b"%d" % len(body))])
        await self.body_part(body, more=False)

    async def answer_json(
        self, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()
    ) -> None:
        await self.answer(status, [_JSON, *headers], body)

    async def answer_resource(self, content: BaseModel, *, version: int) -> None:
        """Answer a `GET` of one resource with its ETag, or 304 to whoever has it already."""
        body = content.model_dump_json().encode()
        etag = etag_of(version, content, body)
        headers = [(b"etag", etag.encode())]
        if is_known(etag, (self.header(b"if-none-match") or b"").decode("latin-1")):
            await self.start(304, headers)
            await self.body_part(b"", more=False)
        else:
            await self.answer_json(200, body, headers)

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem document."""
        body = problem.document(instance=self.path, request_id=self.request_id.decode())
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        await self.answer(problem.status, [(b"content-type", MEDIA_TYPE.encode()), *headers], body)


def _request_id(sent: bytes | None) -> bytes:
    if sent is not None and _REQUEST_ID.fullmatch(sent):
        return sent
    return str(uuid7()).encode()
