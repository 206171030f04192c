"""Commits shared by concurrent callers.

A commit costs the same whether it carries one purchase or forty. While one transaction is being written,
further callers gather; the next transaction carries all of them. Every caller is answered after its own rows
are durable. When a shared transaction fails, each caller's rows are written again alone, so that one bad row
is refused by itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Final
from uuid import UUID

import asyncpg

from shared.db.writes import Writes
from shared.gathering import Gathering

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
_Unit = tuple[Collection[UUID], Writes]


class SharedCommits:
    """Writes units of work of any tenants, several to a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._gathering: Gathering[_Unit, Exception | None] = Gathering(self._write_together, most=_MOST)

    async def write(self, tenants: Collection[UUID], writes: Writes) -> None:
        """Return once the rows are committed.

        Raises what PostgreSQL says of these rows, or of the connection.
        """
        if (refusal := await self._gathering.do((tenants, writes))) is not None:
            raise refusal

    async def close(self) -> None:
        await self._gathering.close()

    async def _write_together(self, units: Sequence[_Unit]) -> list[Exception | None]:
        """Why each unit is not committed; None where it is."""
        try:
            await self._commit(units)
        except _REFUSALS as error:
            if len(units) == 1:
                return [error]
            return [await self._write_alone(unit) for unit in units]
        return [None] * len(units)

    async def _write_alone(self, unit: _Unit) -> Exception | None:
        try:
            await self._commit([unit])
        except Exception as error:  # noqa: BLE001 -- the unit's own caller raises it
            return error
        return None

    async def _commit(self, units: Sequence[_Unit]) -> None:
        tenants = {tenant for unit in units for tenant in unit[0]}
        together = Writes()
        together.extend(writes for _, writes in units)
        if together.only_new():
            await self._database.insert(tenants, together)
            return
        async with self._database.begin(*tenants) as session:
            session.writes = together
            await session.flush()
