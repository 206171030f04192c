"""Does who waited for a tenant's lock know what was written meanwhile?"""

import asyncio
from dataclasses import replace

import pytest

from services.plans.store import holdings
from services.plans.store.holdings import Known
from shared.db.database import Session
from tests.support.eventually import eventually
from tests.support.world import World

_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
)


async def _paid(world: World, number: int) -> None:
    """Let the tenant hold so many licenses."""
    async with world.services.plans.begin(world.tenant) as session:
        _save(world, session, (await holdings.lock(session, [world.tenant]))[world.tenant], number)


def _save(world: World, session: Session, known: Known, number: int) -> None:
    holdings.save(session, world.tenant, replace(known, holdings=replace(known.holdings, paid=number)))


@pytest.mark.parametrize("known_before", [True, False])
async def test_who_waited_sees_what_was_written_meanwhile(idle_world: World, known_before: bool) -> None:  # noqa: FBT001 - of the parametrization
    world = idle_world
    await world.link()
    if known_before:
        await _paid(world, 1)

    async def looked() -> int:
        async with world.services.plans.begin(world.tenant) as second:
            return (await holdings.lock(second, [world.tenant]))[world.tenant].holdings.paid

    async with world.services.plans.begin(world.tenant) as first:
        known = (await holdings.lock(first, [world.tenant]))[world.tenant]
        second = asyncio.create_task(looked())
        await eventually(lambda: world.services.owner.fetchval(_WAITING))
        _save(world, first, known, 7)
    assert await second == 7
