"""Legacy plans in tests: taken over by an operator, and edited by who has them."""

from typing import Any, Final
from uuid import UUID, uuid4

from shared.identity import Principal
from tests.support.service_calls import Answer, ServiceClient
from tests.support.world import World

IMPORT: Final = "/v1/legacy-plans/import"


def plan_path(subscription: str) -> str:
    return f"/v1/subscriptions/{subscription}/plan"


def a_row(tenant: UUID, **row: object) -> dict[str, Any]:
    """One plan of an import, on a new subscription: monthly, for 1,000 devices."""
    return {
        "tenant_id": str(tenant),
        "subscription_id": str(uuid4()),
        "display_name": "Old plant",
        "owner": "ada@example.com",
        "price_plan": "monthly",
        "committed_devices": 1000,
        "started_at": "2023-01-01T00:00:00Z",
    } | row


async def import_rows(world: World, *rows: dict[str, Any], key: str | None = None) -> Answer:
    """What the api says to an operator, who is of a tenant of their own."""
    return await import_body(world, {"plans": list(rows)}, key=key)


async def import_body(world: World, body: object, *, key: str | None = None) -> Answer:
    operator = Principal("op@example.com", uuid4(), scopes=frozenset({"siteward.operator"}))
    client = ServiceClient(world.services.http, world.services.urls["plans"], operator)
    return await client.post(IMPORT, body, key=key)


async def import_plan(world: World, **row: object) -> str:
    """Let the world's tenant have a legacy plan; its subscription."""
    one = a_row(world.tenant, **row)
    answer = await import_rows(world, one)
    assert (answer.status, answer.json) == (201, {"imported": 1}), answer
    subscription: str = one["subscription_id"]
    return subscription


async def patch(world: World, subscription: str, *, query: str = "", **edit: object) -> Answer:
    """Edit the plan as it is now; the terms are accepted unless the edit says otherwise."""
    etag = (await world.admin.plans.get(plan_path(subscription))).etag
    return await world.admin.plans.send(
        "PATCH",
        plan_path(subscription) + query,
        {"terms_accepted": True} | edit,
        headers={"If-Match": etag},
    )
