"""A service's HTTP app, put together the same way for every service."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import asyncpg
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.types import ASGIApp

from shared.db.database import Database
from shared.db.unreachable import UNREACHABLE
from shared.http.call import Served
from shared.http.context import RequestContext
from shared.http.documents import describe
from shared.http.health import health_routes
from shared.http.routing import Routing

_READY_TIMEOUT = 2
_GUARDED = ("/v1/", "/internal/")


def service_app(
    title: str, *, served: Served, routers: Iterable[APIRouter], statuses: dict[str, int]
) -> FastAPI:
    """The api of a service: its routes for callers that the gateway vouches for, its health for anyone."""
    app = _ServiceApp(title=title, version="1", docs_url=None, redoc_url=None)
    app.state.served = served
    app.state.routes = [*app.routes, *health_routes(lambda: reachable(served.database))]
    for router in routers:
        app.include_router(router)
        app.state.routes += router.routes
    describe(app, statuses=statuses)
    return app


class _ServiceApp(FastAPI):
    """FastAPI for the document of its routes; a request passes through what is ours and nothing more."""

    def build_middleware_stack(self) -> ASGIApp:
        tokens = self.state.served.tokens
        return RequestContext(Routing(self.state.routes), tokens=tokens, guarded=_GUARDED)


def worker_app(database: Database) -> Starlette:
    """What a worker serves: its health."""
    return Starlette(routes=health_routes(lambda: reachable(database)))


async def reachable(database: Database) -> bool:
    """Whether the database answers."""
    with suppress(*UNREACHABLE, asyncpg.PostgresError):
        async with asyncio.timeout(_READY_TIMEOUT):
            return await database.pool.fetchval("SELECT true") is True
    return False
