"""Whether a process lives, can do its work, and what it has counted."""

from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from shared.http import problems
from shared.http.call import refusal_response


def health_routes(ready: Callable[[], Awaitable[bool]]) -> list[Route]:
    """`/livez`, `/readyz` (503 until `ready` says so) and `/metrics`."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(request: Request) -> Response:
        if await ready():
            return PlainTextResponse("ok")
        return refusal_response(problems.unavailable(), request)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
