"""Does a dry run check and answer like the real call, and change nothing?"""

from typing import Any

import pytest

from tests.support.service_calls import Answer
from tests.support.world import World, an_order

DRY = "?dry_run=true"
A_CLOCK_THAT_STANDS_STILL = "2026-03-01T09:30:00Z"


async def test_the_dry_run_of_a_purchase_leaves_no_row_and_no_event(world: World) -> None:
    async with world.expects():
        tried = await world.admin.licensing.post(f"/v1/licenses{DRY}", an_order())
    assert tried.status == 200
    assert await world.rows() == {}


async def test_the_dry_run_of_a_purchase_answers_with_the_license(world: World) -> None:
    await world.sandbox(A_CLOCK_THAT_STANDS_STILL)
    tried = (await world.admin.licensing.post(f"/v1/licenses{DRY}", an_order("OT_SITE_S", 2))).json
    bought = await world.buy("OT_SITE_S", 2)
    assert _without_ids(tried) == _without_ids(bought)


async def test_the_dry_run_of_a_cancel_answers_as_the_cancel_and_changes_nothing(world: World) -> None:
    await world.sandbox(A_CLOCK_THAT_STANDS_STILL)
    license = await world.buy()
    await world.quiet()
    before = await world.rows()
    async with world.expects():
        tried = await world.admin.licensing.post(f"/v1/licenses/{license['id']}/cancel{DRY}")
    assert await world.rows() == before
    assert (await world.admin.licensing.get(f"/v1/licenses/{license['id']}")).json == license
    assert (tried.status, tried.json) == (200, await world.cancel(license["id"]))


async def test_the_dry_run_of_adding_a_plan_answers_as_adding_it_and_changes_nothing(world: World) -> None:
    await world.sandbox(A_CLOCK_THAT_STANDS_STILL)
    await world.buy()
    await world.quiet()
    subscription = await world.link()
    address = f"/v1/subscriptions/{subscription}/plan"
    before = await world.rows()
    async with world.expects():
        tried = await world.admin.plans.put(address + DRY, {"terms_accepted": True})
    assert await world.rows() == before
    assert (await world.admin.plans.get(address)).status == 404
    assert (tried.status, tried.json) == (200, await world.add_plan(subscription))


async def test_a_dry_run_hands_out_no_signed_file(world: World) -> None:
    await world.sandbox(A_CLOCK_THAT_STANDS_STILL)
    await world.buy()
    await world.quiet()
    address = f"/v1/subscriptions/{await world.link()}/plan"
    asked = {"terms_accepted": True, "activation_file": True}
    tried = await world.admin.plans.put(address + DRY, asked)
    assert b"BEGIN SITEWARD" not in tried.body
    added = await world.admin.plans.put(address, asked)
    assert "BEGIN SITEWARD" in added.json["activation_file"]["file"]
    unlike = {"id": None, "file": None}  # the one of the dry run is there no more
    assert (tried.status, tried.json["activation_file"]["file"]) == (200, None)
    assert tried.json["activation_file"] | unlike == added.json["activation_file"] | unlike
    assert tried.json | {"activation_file": None} == added.json | {"activation_file": None}


async def test_a_dry_run_is_refused_for_the_reason_that_the_real_call_is(world: World) -> None:
    license = await world.buy()
    await world.cancel(license["id"])
    await world.quiet()
    subscription = await world.link()
    licensing, plans = world.admin.licensing, world.admin.plans

    async def both(method: str, path: str, body: Any) -> tuple[Answer, Answer]:
        service = plans if "subscriptions" in path else licensing
        return await service.send(method, path + DRY, body), await service.send(method, path, body)

    for method, path, body in (
        ("POST", "/v1/licenses", an_order(quantity=0)),
        ("POST", f"/v1/licenses/{license['id']}/cancel", {}),
        ("PUT", f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": False}),
        ("PUT", f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True}),
    ):
        tried, done = await both(method, path, body)
        assert tried.code == done.code
        assert tried.status == done.status >= 400


async def test_a_dry_run_needs_the_role_too(world: World) -> None:
    reader = world.caller(roles=["GlobalReader"])
    assert (await reader.licensing.post(f"/v1/licenses{DRY}", an_order())).status == 403


@pytest.mark.parametrize("value", ["maybe", "", "2", "1", "True", "yes", "no", "off"])
async def test_what_is_neither_true_nor_false_is_refused_and_nothing_is_bought(
    world: World, value: str
) -> None:
    refused = await world.admin.licensing.post(f"/v1/licenses?dry_run={value}", an_order())
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert await world.rows() == {}


def _without_ids(license: dict[str, Any]) -> dict[str, Any]:
    actions = [{**action, "reason": None} for action in license["allowed_actions"]]  # reasons name the id
    kept = {name: value for name, value in license.items() if name not in {"id", "order"}}
    return kept | {"allowed_actions": actions}
