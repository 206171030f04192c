"""Do both services live by a sandbox's own clock, and tell when nothing of it is under way any more?"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.eventually import eventually
from tests.support.service_calls import Answer, ServiceClient
from tests.support.world import World

CLOCK = "/internal/test-clock"
START = "2026-03-01T09:30:00Z"
CLOSES = "2026-03-08T09:30:00Z"


def plus(seconds: int, moment: str = START) -> str:
    later = datetime.fromisoformat(moment) + timedelta(seconds=seconds)
    return later.isoformat().replace("+00:00", "Z")


async def clock(client: ServiceClient) -> Any:
    return (await client.get(CLOCK)).json


async def move(client: ServiceClient, to: str) -> Answer:
    return await client.put(CLOCK, {"now": to})


async def test_a_sandbox_stands_where_it_was_put(world: World) -> None:
    for service in (world.admin.licensing, world.admin.plans):
        made = await service.post(CLOCK, {"now": START})
        assert made.status == 201
        assert made.json["now"] == START
        assert (await clock(service))["now"] == START


async def test_a_tenant_without_a_clock_of_its_own_has_none(world: World) -> None:
    assert (await clock(world.admin.licensing))["now"] is None
    await world.buy()
    assert (await clock(world.admin.licensing))["now"] is None


async def test_a_clock_is_made_once(world: World) -> None:
    await world.sandbox(START)
    again = await world.admin.licensing.post(CLOCK, {"now": START})
    assert again.status == 409
    assert (await clock(world.admin.licensing))["now"] == START


async def test_a_tenant_with_a_license_or_a_plan_is_no_sandbox_any_more(world: World) -> None:
    await world.buy()
    refused = await world.admin.licensing.post(CLOCK, {"now": START})
    assert (refused.status, refused.code) == (409, "NotASandbox")
    await world.quiet()
    refused = await world.admin.plans.post(CLOCK, {"now": START})
    assert (refused.status, refused.code) == (409, "NotASandbox")


async def test_a_tenant_with_a_subscription_is_no_sandbox_any_more(world: World) -> None:
    await world.link()
    assert (await world.admin.plans.post(CLOCK, {"now": START})).status == 409


async def test_looking_and_being_refused_leave_a_tenant_free_to_become_a_sandbox(world: World) -> None:
    await world.admin.licensing.get("/v1/licenses")
    await world.admin.licensing.get("/v1/products")
    await world.admin.licensing.post("/v1/licenses", {}, key="k")
    await world.admin.licensing.post("/v1/licenses?dry_run=true", {})
    assert (await world.admin.licensing.post(CLOCK, {"now": START})).status == 201
    bought = await world.buy()
    assert bought["purchased_at"] == START


async def test_a_purchase_happens_when_the_clock_says(world: World) -> None:
    await world.sandbox(START)
    async with world.expects("license.purchased") as heard:
        license = await world.buy()
    assert license["purchased_at"] == license["term_start"] == START
    assert license["term_end"] == "2027-03-01T00:00:00Z"
    assert license["cancellable_until"] == CLOSES
    assert license["order"]["confirmed_at"] == START
    assert heard[0].envelope.time == datetime.fromisoformat(START)


async def test_a_plan_is_added_when_the_clock_says_and_is_as_fresh_as_its_events(world: World) -> None:
    await world.sandbox(START)
    await world.buy()
    await world.quiet()
    await world.move_clock(plus(3600))
    plan = await world.add_plan(await world.link())
    assert plan["terms_accepted_at"] == plus(3600)
    assert plan["as_of"] == START


async def test_a_license_can_be_cancelled_until_168_hours_have_passed(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy()
    await world.move_clock(plus(-1, CLOSES))
    shown = (await world.admin.licensing.get(f"/v1/licenses/{license['id']}")).json
    assert shown["allowed_actions"][0]["allowed"]
    done = await world.cancel(license["id"])
    # Seven days of 365 are used, that of the purchase included; the eighth has begun.
    assert done["refund"] == {"amount": "1711.64", "currency": "USD"}
    assert done["license"]["disabled_ends_at"] == plus(90 * 24 * 3600 - 1, CLOSES)


async def test_the_moment_at_which_the_window_closes_is_too_late(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy()
    await world.move_clock(CLOSES)
    async with world.expects():
        refused = await world.admin.licensing.post(f"/v1/licenses/{license['id']}/cancel")
    assert (refused.status, refused.code) == (409, "CancellationWindowClosed")
    assert CLOSES in refused.json["detail"]
    assert "auto-renew" in refused.json["detail"]
    shown = (await world.admin.licensing.get(f"/v1/licenses/{license['id']}")).json
    action = next(action for action in shown["allowed_actions"] if action["action"] == "cancel")
    assert (action["allowed"], action["reason_code"]) == (False, "CancellationWindowClosed")
    assert shown["reducible"] == []


async def test_the_service_goes_from_grace_to_stopped_to_purged_as_time_passes(world: World) -> None:
    await world.sandbox(START)
    plan = await world.a_plan()
    (bought,) = world.heard("license.purchased")
    await world.cancel(bought.state["id"])
    await world.quiet()
    day = 24 * 3600
    stops, purged = plus(30 * day), plus(120 * day)
    for at, state, foretold in (
        (plus(-1, stops), "grace", None),
        (stops, "stopped", purged),
        (plus(-1, purged), "stopped", purged),
        (purged, "purged", purged),
    ):
        await world.move_clock(at)
        shown = await world.plan(plan["subscription_id"])
        assert (shown["service_state"], shown["service_stops_at"]) == (state, stops)
        assert shown["data_purged_at"] == foretold


async def test_the_stop_and_the_purge_are_audited_once_as_of_their_time_however_late(world: World) -> None:
    await world.sandbox(START)
    one: str = (await world.a_plan())["subscription_id"]
    other: str = (await world.a_plan())["subscription_id"]
    for bought in world.heard("license.purchased"):
        await world.cancel(bought.state["id"])
    await world.quiet()
    day = 24 * 3600
    stops, purged, much_later = plus(30 * day), plus(120 * day), plus(300 * day)
    # The clock is far ahead before time has done anything; then all of it is done, and looked for again and again.
    for service in (world.admin.licensing, world.admin.plans):
        moved = await service.put(CLOCK, {"now": much_later, "advancing_to": much_later})
        assert moved.status == 200, moved
    await eventually(lambda: clock(world.admin.plans), until=lambda told: told["next_due_at"] > much_later)
    grace = {"service_state": "grace", "service_stops_at": stops, "data_purged_at": None}
    stopped = {"service_state": "stopped", "service_stops_at": stops, "data_purged_at": purged}
    for subscription in (one, other):
        audit = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/audit-events")).json["items"]
        found = [event for event in audit if event["action"].startswith("service.")]
        assert [(event["action"], event["at"], event["before"], event["after"]) for event in found] == [
            ("service.stopped", stops, grace, stopped),
            ("service.purged", purged, stopped, stopped | {"service_state": "purged"}),
        ]
        assert {(event["actor"], event["resource"]) for event in found} == {
            ("siteward", f"plan/{subscription}")
        }


async def test_a_clock_moves_forward_only(world: World) -> None:
    await world.sandbox(START)
    for service in (world.admin.licensing, world.admin.plans):
        assert (await move(service, plus(10))).status == 200
        refused = await move(service, plus(9))
        assert (refused.status, refused.code) == (409, "ClockMovesForward")
        assert (await move(service, plus(10))).status == 200
        assert (await clock(service))["now"] == plus(10)


@pytest.mark.parametrize("now", ["2026-03-01", "2026-03-01T09:30:00", "tomorrow", 7, None])
async def test_what_is_no_moment_is_refused(world: World, now: Any) -> None:
    refused = await world.admin.licensing.post(CLOCK, {"now": now})
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert (await clock(world.admin.licensing))["now"] is None


async def test_the_clock_of_a_sandbox_is_nobody_elses(world: World) -> None:
    await world.sandbox(START)
    other = World(world.services)
    assert (await other.buy())["purchased_at"] > "2026-06"
    assert (await clock(other.admin.licensing))["now"] is None


async def test_licensing_has_sent_as_many_events_as_plans_will_have_received(world: World) -> None:
    await world.sandbox(START)
    one, two = await world.buy(), await world.buy("EIOT_DEVICE")
    await world.cancel(one["id"])
    await world.cancel(two["id"])
    await world.buy("OT_SITE_S")
    told = await clock(world.admin.licensing)
    assert told["sent"] == 5
    await world.quiet()
    assert (await clock(world.admin.licensing))["unsent"] == 0
    assert (await clock(world.admin.plans))["received"] == 5
    assert sum(one.name.startswith("license.") for one in world.heard()) == 5


async def test_plans_has_sent_as_many_events_of_sites_as_licensing_has_received(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan(sites=2))["subscription_id"]
    await world.add_site(subscription, "Press")
    await world.add_site(subscription, "Mill")
    await world.admin.plans.send("DELETE", f"/v1/subscriptions/{subscription}/sites/Press")
    await world.quiet()
    told = await clock(world.admin.plans)
    assert (told["sent"], told["unsent"]) == (3, 0)
    assert (await clock(world.admin.licensing))["received"] == told["sent"]


async def test_events_that_kafka_does_not_have_yet_are_unsent(idle_world: World) -> None:
    await idle_world.sandbox(START)
    for count in (1, 2):
        await idle_world.buy()
        told = await clock(idle_world.admin.licensing)
        assert (told["sent"], told["unsent"]) == (count, count)
