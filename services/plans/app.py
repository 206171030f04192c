"""Plans' api and worker, put together."""

from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from services.plans.api import (
    audit,
    console_files,
    device_observations,
    enterprise_iot,
    entitlements,
    legacy_import,
    notices,
    operations,
    ot_plans,
    plan_changes,
    role_assignments,
    sandbox,
    sensors,
    signing_keys,
    sites,
    statements,
    subscriptions,
)
from services.plans.api.problems import STATUSES, problem_of
from services.plans.commands.pass_time import pass_time
from services.plans.handlers.license_changed import license_changed
from services.plans.signing import ActivationKeys
from services.plans.store.due import DUE, NEXT_DUE
from services.plans.store.entitlements import EntitlementChecks
from shared.db.audit_sealing import seal_audit
from shared.db.database import Database, connect
from shared.db.sandbox import Clocks
from shared.events.licensing import LicenseEvent
from shared.events.topics import LICENSING
from shared.http.app import service_app, worker_app
from shared.http.call import Served
from shared.identity import InternalTokens
from shared.kafka.consumer import consume
from shared.kafka.relay import relay
from shared.process import run_until_stopped, serve, settle_memory
from shared.schedule import keep_schedule
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
    routers = [
        subscriptions.router,
        ot_plans.router,
        sites.router,
        sensors.router,
        device_observations.router,
        entitlements.router,
        statements.router,
        enterprise_iot.router,
        notices.router,
        operations.router,
        plan_changes.router,
        legacy_import.router,
        role_assignments.router,
        audit.router,
        signing_keys.router,
    ]
    if settings.console_files:
        routers.append(console_files.router)
    if settings.test_clocks:
        routers.append(sandbox.router)
    app = service_app("Siteward plans", served=served, routers=routers, statuses=STATUSES)
    app.state.console_files = settings.console_files
    app.state.activation_keys = ActivationKeys(settings.signing_keys)
    app.state.entitlement_checks = EntitlementChecks(database)
    return app


async def api(settings: ServiceSettings) -> None:
    """Answer HTTP until stopped."""
    async with _database(settings, "api") as database:
        app = api_app(database, settings)
        settle_memory()
        await run_until_stopped(serve(app, host=settings.host, port=settings.port))


async def worker(settings: ServiceSettings) -> None:
    """Follow the license events, do what time does, seal the audit, and carry plans' own events to Kafka."""
    bootstrap = settings.kafka_bootstrap_servers
    async with _database(settings, "worker") as database, watch_schedule(settings) as watch:
        settle_memory()
        await run_until_stopped(
            consume(
                database,
                bootstrap,
                topic=LICENSING,
                kind=LicenseEvent,
                group=CONSUMER_GROUP,
                instance=settings.instance,
                handle=license_changed,
            ),
            schedule(database, watch, sandboxes=settings.test_clocks),
            seal(database, settings),
            relay(str(settings.database_url), bootstrap, schema=SCHEMA),
            serve(worker_app(database), host=settings.host, port=settings.port),
        )


async def schedule(database: Database, watch: Database, *, sandboxes: bool) -> None:
    """Do what time does to plans and all that belongs to them, for ever."""
    await keep_schedule(database, watch, due=DUE, pass_time=pass_time, sandboxes=sandboxes)


async def seal(database: Database, settings: ServiceSettings) -> None:
    """Seal the audit of subscriptions, for ever."""
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
