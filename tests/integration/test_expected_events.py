"""Does `world.expects` notice one event more or less than it was told? All stories here rest on it."""

import pytest

from tests.support.world import World


async def test_an_event_too_many_is_noticed(world: World) -> None:
    license = await world.buy()
    with pytest.raises(AssertionError, match=r"license\.cancelled"):
        async with world.expects():
            await world.cancel(license["id"])


async def test_an_event_too_few_is_noticed(world: World) -> None:
    with pytest.raises(AssertionError, match=r"license\.cancelled"):
        async with world.expects("license.purchased", "license.cancelled"):
            await world.buy()


async def test_an_event_that_only_follows_from_another_is_noticed(world: World) -> None:
    await world.a_plan()
    with pytest.raises(AssertionError, match=r"plan\.price_plan_changed"):
        async with world.expects("license.purchased"):
            await world.buy()


async def test_what_was_before_and_what_is_another_tenants_does_not_count(world: World) -> None:
    await world.buy()
    other = World(world.services)
    async with world.expects("license.purchased"):
        await other.buy()
        await world.buy()
