"""Databases of their own on the test server, so that no test meets rows that it did not ask for."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.local.migrations import migrate

_PREFIX: Final = "siteward_test_"


@asynccontextmanager
async def empty_database(server: str) -> AsyncIterator[str]:
    """The DATABASE_URL of a new database on the server that `server` names; it is dropped at the end."""
    name = f"{_PREFIX}{secrets.token_hex(6)}"
    owner = await asyncpg.connect(server)
    try:
        await owner.execute(f"CREATE DATABASE {name}")
        try:
            yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
        finally:
            await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await owner.close()


@asynccontextmanager
async def migrated_database(server: str, kafka: str) -> AsyncIterator[str]:
    """The same, with the schemas of both services; their topics are made on the broker as well."""
    async with empty_database(server) as url:
        await migrate(url, kafka)
        yield url


async def drop_leftovers(server: str) -> None:
    """Drop what sessions that were killed have left; only on a server that nobody else tests with."""
    owner = await asyncpg.connect(server)
    try:
        for left in await owner.fetch(
            "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", _PREFIX
        ):
            await owner.execute(f"DROP DATABASE {left['datname']} WITH (FORCE)")
    finally:
        await owner.close()
