"""Commits shared by concurrent callers.

A commit costs the same whether it carries one purchase or forty. While one transaction is being written,
further callers gather; the next transaction carries all of them. Every caller is answered after its own rows
are durable. When a shared transaction fails, each caller's rows are written again alone, so that one bad row
is refused by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from shared.db.writes import Writes

if TYPE_CHECKING:
    from shared.db.database import Database

_MOST: Final = 64
"""Units of work in one transaction."""
_REFUSALS: Final = (
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.DataError,
    asyncpg.InsufficientPrivilegeError,
    asyncpg.TransactionRollbackError,
)
"""What PostgreSQL says of one row and thereby undoes the whole transaction; after any other error it may be
unknown whether the commit took place, so nothing is written again."""
_Unit = tuple[Collection[UUID], Writes, "asyncio.Future[None]"]


class SharedCommits:
    """Writes units of work of any tenants, several to a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[_Unit] = []
        self._writer: asyncio.Task[None] | None = None

    async def write(self, tenants: Collection[UUID], writes: Writes) -> None:
        """Return once the rows are committed.

        Raises what PostgreSQL says of these rows, or of the connection.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((tenants, writes, done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        await done

    async def close(self) -> None:
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                units, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                await self._write_together(units)
        finally:
            self._writer = None

    async def _write_together(self, units: list[_Unit]) -> None:
        try:
            await self._commit(units)
        except _REFUSALS as error:
            if len(units) == 1:
                _settle(units, error)
                return
            for unit in units:
                await self._write_together([unit])
        except Exception as error:  # noqa: BLE001 -- each waiting caller raises it
            _settle(units, error)
        else:
            _settle(units, None)

    async def _commit(self, units: list[_Unit]) -> None:
        tenants = {tenant for unit in units for tenant in unit[0]}
        together = Writes()
        together.extend(writes for _, writes, _ in units)
        if together.only_new():
            await self._database.insert(tenants, together)
            return
        async with self._database.begin(*tenants) as session:
            session.writes = together
            await session.flush()


def _settle(units: list[_Unit], error: Exception | None) -> None:
    for _, _, done in units:
        if done.done():
            continue  # its caller has gone away
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)
