"""Waiting for what another task or process does: looked at again and again, up to a deadline."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

_T = TypeVar("_T")
_PAUSE: Final = 0.01


async def eventually(
    look: Callable[[], Awaitable[_T]], *, until: Callable[[_T], object] = bool, within: float = 20
) -> _T:
    """What `look` returns once `until` holds for it, by default once it is true.

    Fails with what it returned last when `within` seconds have passed.
    """
    clock = asyncio.get_running_loop().time
    deadline = clock() + within
    while True:
        seen = await look()
        if until(seen):
            return seen
        assert clock() < deadline, f"not within {within} s; the last look found {seen!r}"
        await asyncio.sleep(_PAUSE)
