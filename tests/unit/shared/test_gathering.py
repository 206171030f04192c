"""Does each of several concurrent callers get its own result of what is done together?"""

import asyncio
from collections.abc import Sequence

import pytest

from shared.gathering import Gathering


class Doubling:
    """Does nothing until it is let; `batches` is what it was given."""

    def __init__(self) -> None:
        self.let = asyncio.Event()
        self.batches: list[list[int]] = []

    async def __call__(self, units: Sequence[int]) -> list[int]:
        self.batches.append(list(units))
        await self.let.wait()
        if 13 in units:
            raise LookupError("13")
        return [2 * unit for unit in units]


def begun(gathering: Gathering[int, int], *units: int) -> list["asyncio.Task[int]"]:
    return [asyncio.create_task(gathering.do(unit)) for unit in units]


async def test_what_comes_while_one_is_under_way_is_done_together_and_in_order() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling, most=3)
    first = begun(gathering, 1)
    while not doubling.batches:  # noqa: ASYNC110 -- another task of this loop begins it
        await asyncio.sleep(0)
    others = begun(gathering, 2, 3, 4, 5)
    await asyncio.sleep(0)
    doubling.let.set()
    assert await asyncio.gather(*first, *others) == [2, 4, 6, 8, 10]
    assert doubling.batches == [[1], [2, 3, 4], [5]]


async def test_a_failure_is_told_to_all_of_its_batch_and_to_nobody_else() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling, most=2)
    doubling.let.set()
    outcomes = await asyncio.gather(*begun(gathering, 1, 13, 2), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LookupError, LookupError, int]
    assert await gathering.do(4) == 8


async def test_who_goes_away_takes_nothing_from_the_others() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling, most=2)
    gone, stays = begun(gathering, 1, 2)
    while not doubling.batches:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0)
    gone.cancel()
    doubling.let.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_closing_waits_for_what_is_under_way() -> None:
    doubling = Doubling()
    gathering = Gathering(doubling, most=2)
    (one,) = begun(gathering, 1)
    while not doubling.batches:  # noqa: ASYNC110 -- as above
        await asyncio.sleep(0)
    closing = asyncio.create_task(gathering.close())
    await asyncio.sleep(0)
    assert not closing.done()
    doubling.let.set()
    await closing
    assert one.done() or await one == 2
