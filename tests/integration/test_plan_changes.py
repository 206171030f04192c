"""Does a confirmed change of a plan take effect an hour later, and not at all once it is undone?"""

import asyncio
from datetime import UTC, datetime
from typing import Any

from tests.support.legacy_plans import import_plan, plan_path
from tests.support.service_calls import Answer
from tests.support.world import World

START = "2027-06-01T00:00:00Z"
A_SECOND_BEFORE = "2027-06-01T00:59:59Z"
EFFECTIVE = "2027-06-01T01:00:00Z"


async def cancel(world: World, subscription: str, query: str = "", **sent: Any) -> Answer:
    return await world.admin.plans.post(f"{plan_path(subscription)}/cancel{query}", {"agree": True}, **sent)


async def undo(world: World, subscription: str, **sent: Any) -> Answer:
    return await world.admin.plans.post(f"{plan_path(subscription)}/undo", **sent)


def actions(plan: Any) -> dict[str, str | None]:
    """What stands against each of a plan's actions."""
    return {action["action"]: action["reason_code"] for action in plan["allowed_actions"]}


async def test_a_plan_ends_an_hour_after_its_cancel_with_all_that_is_on_it(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    path = plan_path(subscription)
    asked = await world.admin.plans.post(f"{path}/cancel", {})
    assert (asked.status, asked.code) == (400, "AgreementRequired")
    async with world.expects("plan.cancel_requested"):
        asked = await world.admin.plans.post(f"{path}/cancel", {"agree": True})
    assert asked.status == 202, asked
    assert asked.json["removes"] == {"sites": ["Press"], "sensors": [], "enterprise_iot": False}
    assert asked.json["effective_at"] == "2027-06-01T01:00:00Z"
    operation = asked.headers["Operation-Location"]
    assert (await world.admin.plans.get(operation)).json["status"] == "not_started"
    assert (await world.admin.plans.post(f"{path}/cancel", {"agree": True})).code == "ChangePending"
    await world.advance("2027-06-01T00:59:59Z")
    assert (await world.plan(subscription))["status"] == "cancel_pending"
    async with world.expects("plan.cancelled", "site.entitlement_changed", "notice.raised"):
        await world.advance("2027-06-01T01:00:00Z")
    assert (await world.plan(subscription))["status"] == "cancelled"
    assert (await world.admin.plans.get(operation)).json["status"] == "succeeded"
    async with world.expects("plan.added", "notice.cleared"):
        await world.add_plan(subscription)


async def test_undoing_restores_what_was(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    before = await world.plan(subscription)
    await world.admin.plans.post(f"{plan_path(subscription)}/cancel", {"agree": True})
    async with world.expects("plan.change_undone"):
        undone = (await world.admin.plans.post(f"{plan_path(subscription)}/undo")).json
    assert undone == before | {"version": before["version"] + 2}
    assert (await world.admin.plans.post(f"{plan_path(subscription)}/undo")).code == "NothingPending"
    async with world.expects():
        await world.advance("2027-06-01T02:00:00Z")


async def test_sensors_stand_against_a_cancel_and_are_named(world: World) -> None:
    subscription = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    sensor = f"/v1/subscriptions/{subscription}/sensors/north"
    assert (await world.admin.plans.put(sensor, {"site": "press"})).status == 201
    refused = await world.admin.plans.post(f"{plan_path(subscription)}/cancel", {"agree": True})
    assert (refused.status, refused.code, refused.json["sensors"]) == (
        409,
        "SensorsStillRegistered",
        ["north"],
    )
    tried = await world.admin.plans.post(f"{plan_path(subscription)}/cancel?dry_run=true", {"agree": True})
    assert tried.status == 200, tried
    assert tried.json["removes"]["sensors"] == ["north"]
    assert [one["code"] for one in tried.json["blockers"]] == ["SensorsStillRegistered"]


async def test_a_cancel_can_be_tried_without_effect(world: World) -> None:
    license = await world.buy("OT_SITE_L", 2)
    await world.quiet()
    subscription = (await world.add_plan(await world.link()))["subscription_id"]
    await world.add_site(subscription, "Press")
    before = await world.plan(subscription)
    async with world.expects():
        tried = await cancel(world, subscription, "?dry_run=true")
    assert tried.status == 200, tried
    assert "Operation-Location" not in tried.headers
    assert tried.json["removes"] == {"sites": ["Press"], "sensors": [], "enterprise_iot": False}
    assert tried.json["licenses_kept"] == [license["id"]]
    assert [warning["code"] for warning in tried.json["warnings"]] == ["LicensesKept"]
    assert "/v1/licenses" in tried.json["warnings"][0]["detail"]
    assert tried.json["blockers"] == []
    assert tried.json["plan"]["status"] == "cancel_pending"
    assert await world.plan(subscription) == before
    unsure = await world.admin.plans.post(f"{plan_path(subscription)}/cancel?dry_run=true", {})
    assert (unsure.status, unsure.code) == (400, "AgreementRequired")


async def test_a_cancel_names_every_license_that_goes_on_without_the_plan(world: World) -> None:
    await world.sandbox(START)
    trial = await world.admin.licensing.post("/v1/licenses", {"sku": "OT_SITE_TRIAL_L", "quantity": 1})
    assert trial.status == 201, trial
    sites, devices = await world.buy("OT_SITE_XS"), await world.buy("EIOT_DEVICE", 10)
    await world.quiet()
    subscription = (await world.add_plan(await world.link()))["subscription_id"]
    await world.add_site(subscription, "Press", "L")
    await world.advance("2027-08-02T00:00:00Z")
    without = (await cancel(world, subscription, "?dry_run=true")).json
    assert without["licenses_kept"] == [trial.json["id"], sites["id"]]
    assert without["warnings"][0]["detail"] == (
        "1 license goes on and is charged; cancel it at /v1/licenses. "
        "1 expired license stays in its grace: /v1/licenses?status=expired."
    )
    given = await world.admin.plans.put(
        f"/v1/subscriptions/{subscription}/role-assignments/sec@example.com", {"role": "SecurityAdmin"}
    )
    assert given.status == 201, given
    security = world.caller("sec@example.com", roles=())
    on = await security.plans.put(f"/v1/subscriptions/{subscription}/enterprise-iot", {})
    assert on.status == 201, on
    with_it = (await cancel(world, subscription)).json
    assert with_it["removes"]["enterprise_iot"] is True
    assert with_it["licenses_kept"] == [trial.json["id"], sites["id"], devices["id"]]
    assert "2 licenses go on and are charged" in with_it["warnings"][0]["detail"]


async def test_a_cancel_is_accepted_with_where_to_ask_and_when(world: World) -> None:
    subscription = (await world.a_plan())["subscription_id"]
    accepted = await cancel(world, subscription, key="once")
    assert accepted.status == 202, accepted
    assert accepted.headers["Retry-After"] == "600"
    again = await cancel(world, subscription, key="once")
    assert again.replayed
    assert again.body == accepted.body
    assert again.headers["Operation-Location"] == accepted.headers["Operation-Location"]


async def test_of_those_who_cancel_at_once_one_does(world: World) -> None:
    subscription = (await world.a_plan())["subscription_id"]
    async with world.expects("plan.cancel_requested"):
        answers = await asyncio.gather(*(cancel(world, subscription) for _ in range(8)))
    assert sorted(answer.status for answer in answers) == [202] + 7 * [409]
    assert {answer.code for answer in answers} == {None, "ChangePending"}


async def test_a_plan_on_which_nobody_looked_again_is_not_cancelled(world: World) -> None:
    added = await world.a_plan()
    subscription = added["subscription_id"]
    etag = (await world.admin.plans.get(plan_path(subscription))).etag
    await cancel(world, subscription)
    await undo(world, subscription)
    stale = await cancel(world, subscription, headers={"If-Match": etag})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    unsure = await world.admin.plans.post(
        f"{plan_path(subscription)}/cancel", {"agree": False}, headers={"If-Match": etag}
    )
    assert unsure.code == "AgreementRequired"


async def test_a_change_can_be_withdrawn_until_it_takes_effect_and_no_moment_longer(world: World) -> None:
    # The clock is moved and nobody tells the scheduler: what is past is past all the same.
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    await cancel(world, subscription)
    await world.move_clock(A_SECOND_BEFORE)
    assert (await undo(world, subscription)).status == 200
    assert (await cancel(world, subscription)).json["effective_at"] == "2027-06-01T01:59:59Z"
    await world.move_clock("2027-06-01T01:59:59Z")
    late = await undo(world, subscription)
    assert (late.status, late.code) == (409, "PlanCancelled")


async def test_what_may_be_done_is_what_trying_it_says(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    assert actions(await world.plan(subscription)) == {
        "cancel": None,
        "edit": "ManagedInMicrosoft365",
        "undo": "NothingPending",
        "migrate": "ManagedInMicrosoft365",
    }
    pending = (await cancel(world, subscription)).json["plan"]
    assert (actions(pending)["cancel"], actions(pending)["undo"]) == ("ChangePending", None)
    assert {one["action"]: one["until"] for one in pending["allowed_actions"]}["undo"] == EFFECTIVE
    await world.advance(EFFECTIVE)
    (listed,) = (await world.admin.plans.get("/v1/plans")).json["items"]
    assert set(actions(listed).values()) == {"PlanCancelled"}
    assert (listed["service_state"], listed["licensed_sites"]) == ("stopped", [])


async def test_a_subscription_whose_plan_has_ended_is_offered_for_one_again(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    eligible = "/v1/subscriptions?eligible_for=plan"
    await cancel(world, subscription)
    assert (await world.admin.plans.get(eligible)).json["items"] == []
    preview = (await world.admin.plans.post(f"{plan_path(subscription)}/preview")).json
    assert [blocker["code"] for blocker in preview["blockers"]] == ["PlanAlreadyExists"]
    await world.advance(EFFECTIVE)
    (offered,) = (await world.admin.plans.get(eligible)).json["items"]
    assert offered["id"] == subscription
    ended = await world.plan(subscription)
    anew = await world.add_plan(subscription)
    assert (anew["status"], anew["version"]) == ("active", ended["version"] + 1)
    assert anew["terms_accepted_at"] == EFFECTIVE


async def test_what_is_written_on_a_plan_that_has_ended_is_refused(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    await cancel(world, subscription)
    await world.advance(EFFECTIVE)
    site = f"/v1/subscriptions/{subscription}/sites/Press"
    answers = [
        await cancel(world, subscription),
        await undo(world, subscription),
        await world.admin.plans.put(site, {"display_name": "Press", "site_size": "L"}),
    ]
    assert [(answer.status, answer.code) for answer in answers] == 3 * [(409, "PlanCancelled")]


async def test_a_plans_end_takes_enterprise_iot_with_it(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world, enterprise_iot=True)
    assert (await cancel(world, subscription)).json["removes"]["enterprise_iot"]
    async with world.expects("plan.cancelled", "enterprise_iot.changed") as heard:
        await world.advance(EFFECTIVE)
    assert {one.envelope.time.isoformat() for one in heard} == {"2027-06-01T01:00:00+00:00"}
    shown = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/enterprise-iot")).json
    assert shown["status"] == "off"


async def test_each_change_is_audited_with_who_asked_and_what_time_did(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    operation = (await cancel(world, subscription)).headers["Operation-Location"].rpartition("/")[2]
    await world.advance(EFFECTIVE)
    events = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/audit-events")).json["items"]
    told = [
        (one["action"], one["actor"], one["at"], one["reason"])
        for one in events
        if one["action"] in {"plan.cancel_requested", "plan.cancelled"}
    ]
    assert told == [
        ("plan.cancel_requested", "ada@example.com", START, None),
        ("plan.cancelled", "siteward", EFFECTIVE, f"operation/{operation}"),
    ]


async def test_each_event_of_a_plan_tells_how_many_devices_are_counted(world: World) -> None:
    subscription = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    sensor = f"/v1/subscriptions/{subscription}/sensors/north"
    assert (await world.admin.plans.put(sensor, {"site": "Press"})).status == 201
    seen = [
        {"ip": f"10.0.0.{number}", "kind": "ot", "last_seen": datetime.now(UTC).isoformat()}
        for number in (1, 2)
    ]
    await world.admin.plans.post(f"{sensor}/device-observations", {"devices": seen})
    assert (await world.plan(subscription))["detected_devices"] == 2
    async with world.expects("license.purchased", "plan.price_plan_changed") as heard:
        await world.buy()
    (changed,) = (one for one in heard if one.name == "plan.price_plan_changed")
    assert changed.data["plan"]["detected_devices"] == 2
    assert changed.data["changed"] == ["licensed_sites"]
    await world.admin.plans.send("DELETE", sensor)
    async with world.expects("plan.cancel_requested") as heard:
        await cancel(world, subscription)
    assert heard[0].data["plan"]["detected_devices"] == 2
