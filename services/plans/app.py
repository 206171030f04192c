"""Plans' api and worker, put together."""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from services.plans.api import audit, entitlements, ot_plans, sandbox, subscriptions
from services.plans.api.problems import STATUSES, problem_of
from services.plans.handlers.license_changed import license_changed
from shared.db.audit_sealing import seal_audit
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.events.topics import LICENSING
from shared.http.app import service_app, worker_app
from shared.http.call import Served
from shared.identity import InternalTokens
from shared.kafka.consumer import consume
from shared.kafka.relay import relay
from shared.process import run_until_stopped, serve, settle_memory
from shared.settings import ServiceSettings

SCHEMA = "plans"
CONSUMER_GROUP = "siteward.plans"


def api_app(database: Database, settings: ServiceSettings) -> FastAPI:
    served = Served(
        database,
        InternalTokens.from_file(settings.internal_keys),
        Clocks(sandboxes=settings.test_clocks),
        problem_of,
    )
    routers = [subscriptions.router, ot_plans.router, entitlements.router, audit.router]
    if settings.test_clocks:
        routers.append(sandbox.router)
    return service_app("Siteward plans", served=served, routers=routers, statuses=STATUSES)


async def api(settings: ServiceSettings) -> None:
    """Answer HTTP until stopped."""
    async with _database(settings, "api") as database:
        app = api_app(database, settings)
        settle_memory()
        await run_until_stopped(serve(app, host=settings.host, port=settings.port))


async def worker(settings: ServiceSettings) -> None:
    """Follow the license events, seal the audit, and carry plans' own events to Kafka, until stopped."""
    bootstrap = settings.kafka_bootstrap_servers
    async with _database(settings, "worker") as database:
        settle_memory()
        await run_until_stopped(
            consume(
                database,
                bootstrap,
                topic=LICENSING,
                group=CONSUMER_GROUP,
                instance=settings.instance,
                handle=license_changed,
            ),
            seal(database, settings),
            relay(str(settings.database_url), bootstrap, schema=SCHEMA),
            serve(worker_app(database), host=settings.host, port=settings.port),
        )


async def seal(database: Database, settings: ServiceSettings) -> None:
    """Seal the audit of subscriptions, for ever."""
    await seal_audit(str(settings.database_url), database, schema=SCHEMA)


def _database(settings: ServiceSettings, process: str) -> AbstractAsyncContextManager[Database]:
    return connect(
        str(settings.database_url),
        role=f"{SCHEMA}_app",
        schema=SCHEMA,
        size=settings.pool_size,
        application=f"siteward {SCHEMA} {process}",
    )
