"""Does an installation that issues no files for management consoles say so (B74)?"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from deploy.local.ports import HOST, Ports
from services.plans.app import api_app
from shared.identity import Principal
from shared.process import serve
from shared.settings import ServiceSettings
from tests.support.eventually import eventually
from tests.support.running import ADMINISTRATOR
from tests.support.service_calls import SIGNING_KEY, ServiceClient
from tests.support.world import World


@pytest.fixture
async def plans(world: World, tmp_path: Path) -> AsyncIterator[ServiceClient]:
    """Plans' api with SITEWARD_CONSOLE_FILES=false, beside the one that all tests share."""
    keys = tmp_path / "internal-keys.json"
    keys.write_bytes(orjson.dumps({"keys": [SIGNING_KEY.as_dict(private=False)]}))
    settings = ServiceSettings.model_validate(
        {
            "DATABASE_URL": world.services.database_url,
            "KAFKA_BOOTSTRAP_SERVERS": world.services.kafka,
            "internal_keys": keys,
            "console_files": False,
        }
    )
    port = Ports().take()
    url = f"http://{HOST}:{port}"
    serving = asyncio.create_task(serve(api_app(world.services.plans, settings), host=HOST, port=port))
    client = ServiceClient(
        world.services.http, url, Principal("ada@example.com", world.tenant, ADMINISTRATOR)
    )

    async def answers() -> bool:
        try:
            async with world.services.http.get(f"{url}/livez") as answer:
                return answer.ok
        except OSError:
            return False

    await eventually(answers)
    yield client
    serving.cancel()
    await asyncio.wait([serving])


async def test_there_are_no_routes_for_them_and_a_plan_is_added_without(
    world: World, plans: ServiceClient
) -> None:
    await world.buy()
    await world.quiet()
    subscription = await world.link()
    asked = await plans.post("/v1/console-activation-files", {"subscription_ids": [subscription]})
    assert asked.status == 404
    plan = f"/v1/subscriptions/{subscription}/plan"
    refused = await plans.put(plan, {"terms_accepted": True, "activation_file": True})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/activation_file")
    assert (await plans.get(plan)).status == 404
    assert (await plans.put(plan, {"terms_accepted": True})).status == 201
