import asyncio, pytest
from uuid import uuid4
from tests.support.world import World
from tests.integration.conftest import *
@pytest.mark.parametrize("n", range(150))
async def test_it(services, n):
    world = World(services)
    address = f"/v1/subscriptions/{uuid4()}"
    put = world.admin.plans.put
    answers = await asyncio.gather(*(put(address, {"display_name": "Plant 7"}) for _ in range(10)))
    bad = [a for a in answers if a.status not in (200, 201)]
    assert not bad
    ones = [(a.status, a.headers["X-Request-Id"], a.body) for a in answers if a.status==201]
    if len(ones) != 1:
        rows = await services.owner.fetch("select *, xmin::text from plans.audit_events where tenant_id=$1", world.tenant)
        print(ones, rows, await world.rows())
    assert len(ones) == 1, ones
