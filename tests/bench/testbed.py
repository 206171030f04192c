"""What is measured: a whole system of its own with durable settings, and databases that nothing else touches."""

import os
import shutil
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit
from uuid import UUID

import asyncpg
import orjson
from joserfc.jwk import OKPKey

import services.licensing.migrate
import services.plans.migrate
from deploy.local import keys, places
from deploy.local.process import run
from deploy.local.system import System
from shared.db.migrate import migrate_schema
from shared.identity import Principal, mint

FOLDER: Final = places.STATE / "bench"
_UNLIMITED: Final = str(10**9)
_TEMPLATE: Final = "bench_template"
_MIGRATIONS: Final = {
    "licensing": Path(services.licensing.migrate.__file__).parent / "migrations",
    "plans": Path(services.plans.migrate.__file__).parent / "migrations",
}


@dataclass(frozen=True, slots=True)
class Testbed:
    system: System
    seconds: float
    """How long one run of one side takes."""
    repetitions: int

    @property
    def database_url(self) -> str:
        return self.system.database_url

    async def database(self, name: str) -> str:
        """The URL of a new database of that name with both services' schemas, at which no process works."""
        connection = await asyncpg.connect(self.database_url)
        try:
            known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", _TEMPLATE)
            if not known:
                await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
                for schema, versions in _MIGRATIONS.items():
                    await migrate_schema(self._url_of(_TEMPLATE), schema=schema, versions=versions)
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        finally:
            await connection.close()
        return self._url_of(name)

    def internal_token(self, principal: Principal) -> str:
        """What the gateway would send to a service for this caller; good for a minute."""
        key = OKPKey.import_key(orjson.loads((FOLDER / "keys" / keys.GATEWAY).read_bytes()))
        return mint(principal, key, now=int(time.time()))

    def _url_of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.database_url)._replace(path=f"/{database}"))


@asynccontextmanager
async def testbed(*, seconds: float, repetitions: int) -> AsyncIterator[Testbed]:
    """A system that starts empty and leaves nothing. Raises SetupError."""
    for variable in ("DATABASE_URL", "KAFKA_BOOTSTRAP_SERVERS"):
        os.environ.pop(variable, None)  # nobody's data is to be measured with
    for policy in ("TOKEN", "TENANT", "ADDRESS"):  # counted as ever, and never reached
        os.environ[f"SITEWARD_RATE_LIMIT_PER_{policy}"] = _UNLIMITED
    _remove_data()
    system = System(FOLDER, durable=True)
    try:
        await system.start()
        yield Testbed(system, seconds, repetitions)
    finally:
        await system.stop()
        _remove_data()


async def in_process(module: str, **job: Any) -> dict[str, Any]:
    """Have a process of its own do the job; the last line it prints is its result."""
    output = await run((sys.executable, "-m", f"tests.bench.{module}"), told=orjson.dumps(job).decode())
    result: dict[str, Any] = orjson.loads(output.splitlines()[-1])
    return result


def buyer(tenant: UUID) -> Principal:
    """A principal that may buy and read licenses."""
    return Principal("bench@example.com", tenant, frozenset({"GlobalAdministrator"}))


def _remove_data() -> None:
    shutil.rmtree(FOLDER, ignore_errors=True)
    if places.LINK.exists():  # PostgreSQL's data is there where its user can't reach ours
        shutil.rmtree(places.outside(FOLDER / "postgres"), ignore_errors=True)
