"""One request and its answer, as the gateway sees them: headers sorted once, a request id on every answer."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from secrets import token_hex
from typing import Any, Final, TypeAlias

from shared.http.problems import MEDIA_TYPE, Problem, Refused, content_too_large
from shared.ids import new_id

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
        "content_type",
        "extra_headers",
        "has_body",
        "if_none_match",
        "method",
        "path",
        "query",
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
        self.query: bytes = scope["query_string"]
        self.authorization: bytes | None = None
        self.content_type = b""
        self.content_length: int | None = None
        self.if_none_match: bytes | None = None
        self.has_body = False
        self.extra_headers: Headers = []
        """What every answer of this exchange carries besides: the rate limits."""
        self.status = 0
        """Of the answer; 0 until it has begun."""
        self.to_forward: Headers = []
        """The headers that a service is to see, without those that the gateway says in its own words."""
        request_id = traceparent = connection = None
        for header in scope["headers"]:
            name, value = header
            if name not in _KEPT_BACK:
                self.to_forward.append(header)
                if name == b"content-type":
                    self.content_type = value
                elif name == b"if-none-match":
                    self.if_none_match = value
            elif name == b"authorization":
                self.authorization = value
            elif name == b"content-length":
                self.content_length = int(value)
                self.has_body = self.content_length > 0
            elif name == b"transfer-encoding":
                self.has_body = True
            elif name == b"x-request-id":
                request_id = value
            elif name == b"traceparent":
                traceparent = value
            elif name == b"connection":
                connection = value
        if connection is not None and connection.lower() not in (b"keep-alive", b"close"):
            named = {token.strip().lower() for token in connection.split(b",")}
            self.to_forward = [header for header in self.to_forward if header[0] not in named]
        if request_id is None or not _REQUEST_ID.fullmatch(request_id):
            request_id = str(new_id()).encode()
        self.request_id: bytes = request_id
        if traceparent is None or not _TRACEPARENT.fullmatch(traceparent):
            traceparent = f"00-{token_hex(16)}-{token_hex(8)}-01".encode()
            self.to_forward = [header for header in self.to_forward if header[0] != b"tracestate"]
        self.traceparent: bytes = traceparent

    @property
    def target(self) -> bytes:
        """Path and query as they came."""
        path: bytes = self.scope["raw_path"]
        return path + b"?" + self.query if self.query else path

    @property
    def client_address(self) -> str:
        client = self.scope.get("client")
        return client[0] if client else ""

    async def body(self) -> AsyncIterator[bytes]:
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

        Raises Refused (413) above `limit` bytes, and ClientGone.
        """
        if self.content_length is not None and self.content_length > limit:
            raise Refused(content_too_large(limit))
        body = b""
        async for chunk in self.body():
            body += chunk
            if len(body) > limit:
                raise Refused(content_too_large(limit))
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

    async def refuse(self, problem: Problem) -> None:
        """Answer with a problem document."""
        body = problem.document(instance=self.path, request_id=self.request_id.decode())
        headers = [(name.lower().encode(), value.encode()) for name, value in problem.headers.items()]
        await self.answer(problem.status, [(b"content-type", MEDIA_TYPE.encode()), *headers], body)
