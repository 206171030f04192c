"""Licensing's api and worker, put together."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI
from pydantic import ImportString

from services.licensing.api import audit, invoices, licenses, products, sandbox, summary
from services.licensing.api.problems import STATUSES, problem_of
from services.licensing.commands.pass_time import pass_time
from services.licensing.commands.record import tax_by
from services.licensing.domain.tax import Tax, no_tax
from services.licensing.handlers.site_changed import site_changed
from services.licensing.store.catalog import Catalog
from services.licensing.store.due import DUE, NEXT_DUE
from shared.db.audit_sealing import seal_audit
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.events.plans import SiteEvent
from shared.events.topics import PLANS
from shared.http.app import service_app, worker_app
from shared.http.call import Served
from shared.identity import InternalTokens
from shared.kafka.consumer import consume
from shared.kafka.relay import relay
from shared.process import run_until_stopped, serve, settle_memory
from shared.schedule import keep_schedule
from shared.settings import ServiceSettings, Settings

SCHEMA = "licensing"
CONSUMER_GROUP = "siteward.licensing"

_GATHER_MS = 100
"""Most events of plans are none of a site's: what there is of them may wait that long for more."""


class TaxSettings(Settings):
    tax: ImportString[Tax] = no_tax
    """The installation's own rule, as `package.module:name`; see domain/tax.py. By default there is no tax."""


def api_app(database: Database, catalog: Catalog, settings: ServiceSettings) -> FastAPI:
    served = Served(
        database,
        InternalTokens.from_file(settings.internal_keys),
        Clocks(sandboxes=settings.test_clocks),
        problem_of,
    )
    routers = [licenses.router, products.router, summary.router, invoices.router, audit.router]
    if settings.test_clocks:
        routers.append(sandbox.router)
    app = service_app("Siteward licensing", served=served, routers=routers, statuses=STATUSES)
    app.state.catalog = catalog
    return app


async def api(settings: ServiceSettings) -> None:
    """Answer HTTP until stopped."""
    tax_by(TaxSettings().tax)
    async with _database(settings, "api") as database:
        catalog = await Catalog.load(database)
        app = api_app(database, catalog, settings)
        settle_memory()
        await run_until_stopped(
            serve(app, host=settings.host, port=settings.port), catalog.keep_fresh(database)
        )


async def worker(settings: ServiceSettings) -> None:
    """Do what time does to licenses, follow their use, seal their audit, and carry their events to Kafka."""
    tax_by(TaxSettings().tax)
    async with _database(settings, "worker") as database, watch_schedule(settings) as watch:
        catalog = await Catalog.load(database)
        settle_memory()
        await run_until_stopped(
            schedule(database, watch, catalog, sandboxes=settings.test_clocks),
            follow_sites(database, settings, group=CONSUMER_GROUP),
            seal(database, settings),
            relay(str(settings.database_url), settings.kafka_bootstrap_servers, schema=SCHEMA),
            serve(worker_app(database), host=settings.host, port=settings.port),
            catalog.keep_fresh(database),
        )


async def follow_sites(database: Database, settings: ServiceSettings, *, group: str) -> None:
    """Count which sites use which license, for ever."""
    await consume(
        database,
        settings.kafka_bootstrap_servers,
        topic=PLANS,
        kind=SiteEvent,
        group=group,
        instance=settings.instance,
        handle=site_changed,
        gather_ms=_GATHER_MS,
    )


async def schedule(database: Database, watch: Database, catalog: Catalog, *, sandboxes: bool) -> None:
    """Do what time does to licenses and invoices, for ever."""
    await keep_schedule(
        database, watch, due=DUE, pass_time=partial(pass_time, sold_at=catalog.at), sandboxes=sandboxes
    )


async def seal(database: Database, settings: ServiceSettings) -> None:
    """Seal the audit of licenses, for ever."""
    await seal_audit(str(settings.database_url), database, schema=SCHEMA, due=NEXT_DUE)


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
