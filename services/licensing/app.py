"""Licensing's api and worker, put together."""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from services.licensing.api import licenses, products, sandbox
from services.licensing.api.problems import STATUSES, problem_of
from services.licensing.store.catalog import Catalog
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.http.app import service_app, worker_app
from shared.http.call import Served
from shared.identity import InternalTokens
from shared.kafka.relay import relay
from shared.process import run_until_stopped, serve, settle_memory
from shared.settings import ServiceSettings

SCHEMA = "licensing"


def api_app(database: Database, catalog: Catalog, settings: ServiceSettings) -> FastAPI:
    served = Served(
        database,
        InternalTokens.from_file(settings.internal_keys),
        Clocks(sandboxes=settings.test_clocks),
        problem_of,
    )
    routers = [licenses.router, products.router]
    if settings.test_clocks:
        routers.append(sandbox.router)
    app = service_app("Siteward licensing", served=served, routers=routers, statuses=STATUSES)
    app.state.catalog = catalog
    return app


async def api(settings: ServiceSettings) -> None:
    """Answer HTTP until stopped."""
    async with _database(settings, "api") as database:
        app = api_app(database, await Catalog.load(database), settings)
        settle_memory()
        await run_until_stopped(serve(app, host=settings.host, port=settings.port))


async def worker(settings: ServiceSettings) -> None:
    """Carry licensing's events to Kafka until stopped."""
    async with _database(settings, "worker") as database:
        settle_memory()
        await run_until_stopped(
            relay(str(settings.database_url), settings.kafka_bootstrap_servers, schema=SCHEMA),
            serve(worker_app(database), host=settings.host, port=settings.port),
        )


def _database(settings: ServiceSettings, process: str) -> AbstractAsyncContextManager[Database]:
    return connect(
        str(settings.database_url),
        role=f"{SCHEMA}_app",
        schema=SCHEMA,
        size=settings.pool_size,
        application=f"siteward {SCHEMA} {process}",
    )
