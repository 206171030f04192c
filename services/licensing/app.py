"""Licensing's api and worker, put together."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from services.licensing.api import licenses, products, sandbox, summary
from services.licensing.api.problems import STATUSES, problem_of
from services.licensing.commands.pass_time import pass_time
from services.licensing.store.catalog import Catalog
from services.licensing.store.due import DUE
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.http.app import service_app, worker_app
from shared.http.call import Served
from shared.identity import InternalTokens
from shared.kafka.relay import relay
from shared.process import run_until_stopped, serve, settle_memory
from shared.schedule import keep_schedule
from shared.settings import ServiceSettings

SCHEMA = "licensing"


def api_app(database: Database, catalog: Catalog, settings: ServiceSettings) -> FastAPI:
    served = Served(
        database,
        InternalTokens.from_file(settings.internal_keys),
        Clocks(sandboxes=settings.test_clocks),
        problem_of,
    )
    routers = [licenses.router, products.router, summary.router]
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
    """Do what time does to licenses, and carry licensing's events to Kafka, until stopped."""
    async with _database(settings, "worker") as database, watch_schedule(settings) as watch:
        catalog = await Catalog.load(database)
        settle_memory()
        await run_until_stopped(
            schedule(database, watch, catalog, sandboxes=settings.test_clocks),
            relay(str(settings.database_url), settings.kafka_bootstrap_servers, schema=SCHEMA),
            serve(worker_app(database), host=settings.host, port=settings.port),
        )


async def schedule(database: Database, watch: Database, catalog: Catalog, *, sandboxes: bool) -> None:
    """Do what time does to licenses and invoices, for ever."""
    await keep_schedule(
        database, watch, due=DUE, pass_time=partial(pass_time, sold_at=catalog.at), sandboxes=sandboxes
    )


def watch_schedule(settings: ServiceSettings) -> AbstractAsyncContextManager[Database]:
    """A database that sees when something of any tenant falls due, and nothing more."""
    return connect(
        str(settings.database_url),
        role=f"{SCHEMA}_scheduler",
        schema=SCHEMA,
        size=1,
        application=f"siteward {SCHEMA} schedule",
    )


def _database(settings: ServiceSettings, process: str) -> AbstractAsyncContextManager[Database]:
    return connect(
        str(settings.database_url),
        role=f"{SCHEMA}_app",
        schema=SCHEMA,
        size=settings.pool_size,
        application=f"siteward {SCHEMA} {process}",
    )
