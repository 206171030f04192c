"""What concurrent callers want, done together: while one batch is under way, the next one gathers."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

_Unit = TypeVar("_Unit")
_Result = TypeVar("_Result")


class Gathering(Generic[_Unit, _Result]):
    """Carries out units of any callers, `most` at a time; `together` gives a result for each, in their order."""

    def __init__(
        self, together: Callable[[Sequence[_Unit]], Awaitable[Sequence[_Result]]], *, most: int
    ) -> None:
        self._together = together
        self._most = most
        self._waiting: list[tuple[_Unit, asyncio.Future[_Result]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def do(self, unit: _Unit) -> _Result:
        """The unit's own result. Raises what `together` raises, as every caller of that batch does."""
        done: asyncio.Future[_Result] = asyncio.get_running_loop().create_future()
        self._waiting.append((unit, done))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await done

    async def close(self) -> None:
        """Return once nothing is under way."""
        if self._worker is not None:
            await self._worker

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._do(batch)
        finally:
            self._worker = None

    async def _do(self, batch: Sequence[tuple[_Unit, "asyncio.Future[_Result]"]]) -> None:
        waiting = [done for _, done in batch]
        try:
            results = await self._together([unit for unit, _ in batch])
        except Exception as error:  # noqa: BLE001 -- each waiting caller raises it
            for done in waiting:
                if not done.done():  # else its caller has gone away
                    done.set_exception(error)
            return
        for done, result in zip(waiting, results, strict=True):
            if not done.done():
                done.set_result(result)
