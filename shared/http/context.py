"""What surrounds every request to a service: its id, its trace, who calls, and one measurement."""

import logging
import re
import time
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared import tracing
from shared.http import problems
from shared.http.call import refusal_response
from shared.identity import InternalTokens, NotAuthenticated
from shared.ids import new_id
from shared.metrics import http_requests, http_seconds

_log: Final = logging.getLogger(__name__)
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,128}")
_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2})(?:-.*)?$")
"""W3C Trace Context; a later version may have more fields, which are not for us."""
_CLIENT_GONE: Final = 499
"""How a request is counted whose caller left within its body; nobody is answered."""


class RequestContext:
    """Pure ASGI. Paths that begin as one of `guarded` are answered only for a caller that the gateway vouches for."""

    def __init__(self, app: ASGIApp, *, tokens: InternalTokens, guarded: tuple[str, ...]) -> None:
        self._app = app
        self._tokens = tokens
        self._guarded = guarded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else str(new_id())
        tracing.request_id.set(request_id)
        traced = _TRACEPARENT.match(headers.get("traceparent", ""))
        tracing.traceparent.set(traced[1] if traced else None)
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
            await send(message)

        try:
            await self._answer(scope, receive, send_with_id, headers.get("authorization"))
        except ClientDisconnect:
            status = _CLIENT_GONE
        except Exception:
            _log.exception("request %s failed", request_id)
            if status:
                raise  # the answer is under way: only breaking off tells the caller
            answer = refusal_response(problems.internal_error(), Request(scope))
            await answer(scope, receive, send_with_id)
        finally:
            route = getattr(scope.get("route"), "path", "unmatched")
            http_requests.labels(scope["method"], route, status).inc()
            http_seconds.labels(scope["method"], route).observe(time.perf_counter() - started)

    async def _answer(self, scope: Scope, receive: Receive, send: Send, authorization: str | None) -> None:
        if scope["path"].startswith(self._guarded):
            try:
                scope["principal"] = self._tokens.principal(authorization)
            except NotAuthenticated as error:
                answer = refusal_response(problems.unauthorized(str(error)), Request(scope))
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)
