"""A service's HTTP app, put together the same way for every service."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route

from shared.db.database import Database
from shared.db.unreachable import UNREACHABLE
from shared.http import problems
from shared.http.call import Served, refusal_response
from shared.http.context import RequestContext
from shared.http.documents import describe
from shared.http.health import health_routes

_READY_TIMEOUT = 2
_GUARDED = ("/v1/", "/internal/")


def service_app(
    title: str, *, served: Served, routers: Iterable[APIRouter], statuses: dict[str, int]
) -> FastAPI:
    """The api of a service: its routes for callers that the gateway vouches for, its health for anyone."""
    app = FastAPI(title=title, version="1", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.served = served
    app.add_middleware(RequestContext, tokens=served.tokens, guarded=_GUARDED)
    app.add_exception_handler(HTTPException, _answer_unrouted)
    app.state.routes = health_routes(lambda: reachable(served.database))
    app.router.routes.extend(app.state.routes)
    for router in routers:
        app.include_router(router)
        app.state.routes += router.routes
    describe(app, statuses=statuses)
    return app


def worker_app(database: Database) -> Starlette:
    """What a worker serves: its health."""
    return Starlette(routes=health_routes(lambda: reachable(database)))


async def reachable(database: Database) -> bool:
    """Whether the database answers."""
    with suppress(*UNREACHABLE, asyncpg.PostgresError):
        async with asyncio.timeout(_READY_TIMEOUT):
            return await database.pool.fetchval("SELECT true") is True
    return False


async def _answer_unrouted(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        return refusal_response(problems.method_not_allowed(", ".join(_methods_at(request))), request)
    return refusal_response(problems.not_found(), request)


def _methods_at(request: Request) -> list[str]:
    """What the address takes: each route knows its own methods only."""
    routes: list[Route] = request.app.state.routes
    here = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
    return sorted({method for route in here for method in route.methods or ()})
