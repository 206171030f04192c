"""What does a cancel take away, and what stays?"""

from datetime import datetime, timedelta

from tests.support.world import World


async def test_what_was_bought_is_taken_away_again(world: World) -> None:
    plan = await world.a_plan(sites=1)
    license = await world.buy("OT_SITE_L", 3)
    await world.quiet()
    async with world.expects("license.cancelled", "plan.price_plan_changed"):
        done = await world.cancel(license["id"])
    assert done["license"]["status"] == "disabled"
    assert done["license"]["version"] == 2
    after = await world.plan(plan["subscription_id"])
    assert after["licensed_sites"] == plan["licensed_sites"]
    assert after["version"] == plan["version"] + 2


async def test_cancelling_the_last_license_starts_the_grace_of_the_service_and_keeps_the_plan(
    world: World,
) -> None:
    plan = await world.a_plan(sites=2)
    (bought,) = world.heard("license.purchased")
    async with world.expects("license.cancelled", "plan.price_plan_changed") as heard:
        await world.cancel(bought.state["id"])
    after = await world.plan(plan["subscription_id"])
    assert after["status"] == "active"
    assert after["price_plan"] == "microsoft_365"
    assert after["licensed_sites"] == []
    assert after["service_state"] == "grace"
    cancelled_at = next(one.envelope.time for one in heard if one.name == "license.cancelled")
    assert datetime.fromisoformat(after["service_stops_at"]) == cancelled_at + timedelta(days=30)
    entitlements = await world.admin.plans.get(f"/v1/subscriptions/{plan['subscription_id']}/entitlements")
    assert entitlements.json["service_state"] == "grace"


async def test_a_new_license_ends_the_grace(world: World) -> None:
    plan = await world.a_plan()
    (bought,) = world.heard("license.purchased")
    await world.cancel(bought.state["id"])
    await world.buy("OT_SITE_XS")
    await world.quiet()
    after = await world.plan(plan["subscription_id"])
    assert after["service_state"] == "running"
    assert after["service_stops_at"] is None


async def test_a_license_is_cancelled_once(world: World) -> None:
    license = await world.buy()
    async with world.expects("license.cancelled"):
        await world.cancel(license["id"])
        again = await world.admin.licensing.post(f"/v1/licenses/{license['id']}/cancel", {})
    assert (again.status, again.code) == (409, "LicenseNotActive")


async def test_the_actions_of_a_license_say_what_trying_them_gives(world: World) -> None:
    license = await world.buy()
    action = _action(license, "cancel")
    assert action["allowed"]
    assert action["reason_code"] is None
    assert action["until"] == license["cancellable_until"]
    cancelled = (await world.cancel(license["id"]))["license"]
    tried = await world.admin.licensing.post(f"/v1/licenses/{license['id']}/cancel")
    action = _action(cancelled, "cancel")
    assert not action["allowed"]
    assert action["reason_code"] == tried.code
    assert action["reason"]


def _action(license: dict[str, object], name: str) -> dict[str, object]:
    actions = license["allowed_actions"]
    assert isinstance(actions, list)
    found: dict[str, object] = next(action for action in actions if action["action"] == name)
    return found
