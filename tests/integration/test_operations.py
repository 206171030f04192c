"""Can whoever may read a plan see how a change of it goes, from its confirmation on?"""

from uuid import uuid4

from tests.support.legacy_plans import import_plan, patch, plan_path
from tests.support.world import World

START = "2027-06-01T00:00:00Z"
EFFECTIVE = "2027-06-01T01:00:00Z"


async def an_operation(world: World) -> tuple[str, str]:
    """Confirm a cancel; the subscription, and where its operation is."""
    subscription = await import_plan(world)
    accepted = await world.admin.plans.post(f"{plan_path(subscription)}/cancel", {"agree": True})
    assert accepted.status == 202, accepted
    return subscription, accepted.headers["Operation-Location"]


async def test_an_operation_goes_from_its_confirmation_to_its_effect(world: World) -> None:
    await world.sandbox(START)
    subscription, operation = await an_operation(world)
    pending = await world.admin.plans.get(operation)
    assert pending.json == {
        "id": operation.rpartition("/")[2],
        "kind": "plan.cancel",
        "status": "not_started",
        "created_at": START,
        "effective_at": EFFECTIVE,
        "finished_at": None,
        "resource": plan_path(subscription),
        "error": None,
    }
    same = await world.admin.plans.get(operation, headers={"If-None-Match": pending.etag})
    assert same.status == 304
    await world.advance(EFFECTIVE)
    done = await world.admin.plans.get(operation, headers={"If-None-Match": pending.etag})
    assert done.json == pending.json | {"status": "succeeded", "finished_at": EFFECTIVE}


async def test_an_operation_whose_change_is_withdrawn_is_cancelled(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    operation = (await patch(world, subscription, committed_devices=1500)).headers["Operation-Location"]
    await world.advance("2027-06-01T00:30:00Z")
    assert (await world.admin.plans.post(f"{plan_path(subscription)}/undo")).status == 200
    shown = (await world.admin.plans.get(operation)).json
    assert (shown["kind"], shown["status"], shown["finished_at"]) == (
        "plan.edit",
        "cancelled",
        "2027-06-01T00:30:00Z",
    )
    await world.advance("2027-06-01T02:00:00Z")
    assert (await world.admin.plans.get(operation)).json == shown


async def test_whoever_has_a_role_on_the_subscription_may_ask_and_nobody_else(world: World) -> None:
    subscription, operation = await an_operation(world)
    bob = world.caller("bob@example.com")
    strangers = [bob, World(world.services).admin]
    answers = [await stranger.plans.get(operation) for stranger in strangers]
    assert [(answer.status, answer.code) for answer in answers] == 2 * [(404, "OperationNotFound")]
    path = f"/v1/subscriptions/{subscription}/role-assignments/bob@example.com"
    assert (await world.admin.plans.put(path, {"role": "Reader"})).status == 201
    assert (await bob.plans.get(operation)).status == 200


async def test_what_names_no_operation_is_not_found(world: World) -> None:
    for name in (str(uuid4()), "soon"):
        answer = await world.admin.plans.get(f"/v1/operations/{name}")
        assert (answer.status, answer.code) == (404, "OperationNotFound")
