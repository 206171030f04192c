"""From a request's address to the route that answers it."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from shared.http import problems
from shared.http.call import refusal_response


class Routing:
    """Pure ASGI: hands the request to the first route that matches it.

    A route's endpoint takes the request and gives the response; nothing else of the route is run
    (docs/adr/0013).
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes: Final = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive, send)
        response = await self._answer(request)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        scope = request.scope
        allowed: set[str] = set()
        for route in self._routes:
            match, found = route.matches(scope)
            if match is Match.NONE:
                continue
            scope["route"] = route
            if match is Match.FULL:
                scope.update(found)
                response: Response = await route.endpoint(request)
                return response
            allowed |= route.methods or set()
        if allowed:
            return refusal_response(problems.method_not_allowed(", ".join(sorted(allowed))), request)
        return refusal_response(problems.not_found(), request)
