"""Units of work: what is read and written for some tenants, all of it or nothing."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from shared.db.shared_commits import SharedCommits
from shared.db.statement import Statement
from shared.db.unreachable import UNREACHABLE
from shared.db.writes import Writes, tenants_setting

Record = Mapping[str, Any]
"""A row, by column name."""

_ACQUIRE_TIMEOUT: Final = 5.0
"""Seconds that a caller waits for a free connection."""


class Session:
    """One unit of work.

    Reads see the session's tenants alone: row-level security is told which they are. Rows to write are
    gathered in `writes` and written when the block of `Database.begin` ends, or earlier by `flush`.

    A session that never read within its transaction has nothing to protect there, so what it writes may be
    committed together with the writes of concurrent callers (`SharedCommits`).
    """

    __slots__ = ("_begun", "_database", "_home", "_read_only", "_tenants", "writes")

    def __init__(self, database: "Database", tenants: Collection[UUID], *, read_only: bool) -> None:
        self._database = database
        self._tenants = tenants
        self._home: UUID | None = None
        self._read_only = read_only
        self._begun: PoolConnectionProxy | None = None
        self.writes = Writes()

    @property
    def tenant_id(self) -> UUID:
        """The tenant of a session that has exactly one, or had before it was widened."""
        if self._home is not None:
            return self._home
        (tenant,) = self._tenants
        return tenant

    def widen(self, tenants: Collection[UUID]) -> None:
        """Work for these tenants too; only before anything was read or written. Raises RuntimeError."""
        if self._begun is not None:
            raise RuntimeError("the session has begun")
        self._home = self.tenant_id
        self._tenants = {self._home, *tenants}

    async def rows(self, statement: Statement, **parameters: Any) -> list[Record]:
        connection = self._begun or await self._begin()
        return await connection.fetch(statement.sql, *statement.arguments(parameters))  # type: ignore[no-any-return]

    async def row(self, statement: Statement, **parameters: Any) -> Record | None:
        connection = self._begun or await self._begin()
        return await connection.fetchrow(statement.sql, *statement.arguments(parameters))  # type: ignore[no-any-return]

    async def flush(self) -> None:
        """Write now what has been gathered, still within the transaction."""
        if self.writes:
            connection = self._begun or await self._begin()
            sql, arguments = self.writes.statement()
            self.writes = Writes()
            await connection.execute(sql, *arguments)

    async def lock_tenants(self, of: Collection[UUID]) -> None:
        """Hold the rows of these tenants until the session ends, in one order for everybody.

        What is read afterwards is what was committed before the locks were given. No round trip of its own where
        it is the first that the session does.
        """
        if self._begun is None:
            await self._begin(_lock_of(of))
        else:
            await self._begun.execute(_lock_of(of))

    async def _begin(self, *and_then: str) -> PoolConnectionProxy:
        connection = await self._database.pool.acquire(timeout=_ACQUIRE_TIMEOUT)
        self._begun = connection
        beginning = begin_for(self._tenants, read_only=self._read_only)
        await connection.execute("; ".join((beginning, *and_then)))
        return connection

    async def _commit(self) -> None:
        # A row of another tenant is refused by PostgreSQL, unless that tenant shares the commit.
        if self._begun is None and self.writes.only_of(self._tenants):
            if self.writes:
                await self._database.shared.write(self._tenants, self.writes)
            return
        await self.flush()
        if self._begun is not None:
            await self._begun.execute("COMMIT")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._commit()
        finally:
            if (connection := self._begun) is not None:
                self._begun = None
                self._database.give_back(connection)


def begin_for(tenants: Collection[UUID], *, read_only: bool = False) -> str:
    """The SQL that opens a transaction for these tenants in one round trip; UUIDs need no quoting."""
    mode = " ISOLATION LEVEL REPEATABLE READ READ ONLY" if read_only else ""
    return f"BEGIN{mode}; SET LOCAL app.tenants = '{tenants_setting(tenants)}'"


def _lock_of(tenants: Collection[UUID]) -> str:
    return (
        f"SELECT FROM tenants WHERE tenant_id = ANY ('{tenants_setting(tenants)}'::uuid[]) "
        "ORDER BY tenant_id FOR UPDATE"
    )


class Database:
    """A pool of connections that all act under one role, which owns no table."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self.pool = pool
        self.shared = SharedCommits(self)
        self._on_their_way: set[asyncio.Task[None]] = set()

    def begin(self, *tenants: UUID) -> Session:
        """A unit of work that commits when its block ends and leaves nothing behind when it raises."""
        return Session(self, tenants, read_only=False)

    def read(self, *tenants: UUID) -> Session:
        """A unit of work that sees all as it is at one moment, and in which PostgreSQL refuses to write."""
        return Session(self, tenants, read_only=True)

    async def rows(self, statement: Statement, **parameters: Any) -> list[Record]:
        """What the role sees without being told of any tenant, in one round trip."""
        connection = await self.pool.acquire(timeout=_ACQUIRE_TIMEOUT)
        try:
            return await connection.fetch(statement.sql, *statement.arguments(parameters))  # type: ignore[no-any-return]
        finally:
            self.give_back(connection)

    async def insert(self, tenants: Collection[UUID], writes: Writes) -> None:
        """Write new rows of these tenants in a transaction of its own, all of it one round trip."""
        sql, arguments = writes.statement(tenants)
        connection = await self.pool.acquire(timeout=_ACQUIRE_TIMEOUT)
        try:
            await connection.execute(sql, *arguments)
        finally:
            self.give_back(connection)

    def give_back(self, connection: PoolConnectionProxy) -> None:
        """Return a connection to the pool, out of any transaction; a broken one is dropped. Nobody waits for it."""
        returning = asyncio.create_task(self._return(connection))
        self._on_their_way.add(returning)
        returning.add_done_callback(self._on_their_way.discard)

    async def _return(self, connection: PoolConnectionProxy) -> None:
        if not connection.is_closed() and connection.is_in_transaction():
            with suppress(*UNREACHABLE, asyncpg.PostgresError):
                await connection.execute("ROLLBACK", timeout=5)
            if not connection.is_closed() and connection.is_in_transaction():
                connection.terminate()
        await self.pool.release(connection)


async def decode_json(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + orjson.dumps(value),
        decoder=lambda data: orjson.loads(data[1:]),
    )


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """All session state is set with SET LOCAL and so ends with its transaction (docs/adr/0003)."""


@asynccontextmanager
async def connect(
    url: str, *, role: str | None, schema: str, size: int, application: str
) -> AsyncIterator[Database]:
    """A database whose sessions run as `role` (None: as who the url names) and see the tables of `schema`.

    The connections are opened when first needed, so that a process can start before its database.
    """
    pool = asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        command_timeout=30,
        timeout=_ACQUIRE_TIMEOUT,
        max_inactive_connection_lifetime=0,
        init=decode_json,
        reset=_nothing_to_reset,
        server_settings=session_settings(role, schema, application),
    )
    async with pool:
        database = Database(pool)
        try:
            yield database
        finally:
            await database.shared.close()


def session_settings(role: str | None, schema: str, application: str) -> dict[str, str]:
    """What every connection of ours tells the server; times in milliseconds."""
    return {
        **({} if role is None else {"role": role}),
        "search_path": schema,
        "application_name": application,
        "timezone": "UTC",
        "statement_timeout": "15000",
        "lock_timeout": "5000",
        "idle_in_transaction_session_timeout": "20000",
        "jit": "off",
    }
