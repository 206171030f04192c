"""What does a consumer see that knows Siteward by its events alone?"""

import re
from datetime import datetime
from itertools import groupby

from shared.events.codec import topic_of
from tests.support.listening import Heard
from tests.support.world import World, an_order

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def headers(one: Heard) -> dict[str, str]:
    return {name: value.decode() for name, value in one.record.headers}


async def test_an_event_travels_as_a_cloud_event_in_binary_mode(world: World) -> None:
    async with world.expects("license.purchased") as heard:
        license = await world.buy("OT_SITE_L", 3)
    (one,) = heard
    sent = headers(one)
    assert UUID7.fullmatch(sent.pop("ce_id"))
    sent.pop("ce_traceparent", None)
    assert sent == {
        "ce_specversion": "1.0",
        "ce_type": "siteward.license.purchased.v1",
        "ce_source": "/siteward/licensing",
        "ce_subject": f"license/{license['id']}",
        "ce_time": license["purchased_at"],
        "ce_dataschema": "https://siteward.dev/schemas/siteward.license.purchased.v1.json",
        "ce_tenantid": str(world.tenant),
        "ce_aggregateversion": "1",
        "ce_partitionkey": license["id"],
        "content-type": "application/json",
    }
    assert one.record.topic == "siteward.licensing.v1"
    assert one.record.key.decode() == license["id"]


async def test_the_event_of_a_purchase_carries_the_license_as_the_api_shows_it(world: World) -> None:
    async with world.expects("license.purchased") as heard:
        license = await world.buy("OT_SITE_M", 2, billing_frequency="monthly", auto_renew=False)
    del license["allowed_actions"]
    assert heard[0].data == {"license": license, "changed": [], "previous": {}}


async def test_the_event_of_a_change_says_what_changed_and_what_it_was_before(world: World) -> None:
    before = await world.buy()
    async with world.expects("license.cancelled") as heard:
        after = (await world.cancel(before["id"]))["license"]
    data = heard[0].data
    del after["allowed_actions"]
    assert data["license"] == after
    differing = {name for name in after if after[name] != before[name]} - {"version"}
    assert set(data["changed"]) == differing == set(data["previous"])
    assert data["previous"] == {name: before[name] for name in differing}
    assert {"status", "auto_renew", "disabled_ends_at"} <= differing


async def test_the_event_of_a_plan_carries_the_plan_as_the_api_shows_it(world: World) -> None:
    plan = await world.a_plan(sites=2)
    async with world.expects("license.purchased", "plan.price_plan_changed") as heard:
        await world.buy("OT_SITE_L", 1)
    (one,) = [one for one in heard if one.name == "plan.price_plan_changed"]
    after = await world.plan(plan["subscription_id"])
    del after["allowed_actions"]
    assert one.data == {
        "plan": after,
        "changed": ["licensed_sites"],
        "previous": {"licensed_sites": plan["licensed_sites"]},
    }
    assert one.record.topic == "siteward.plans.v1"
    assert one.record.key.decode() == plan["subscription_id"]
    assert headers(one)["ce_source"] == "/siteward/plans"
    assert headers(one)["ce_subject"] == f"plan/{plan['subscription_id']}"


async def test_what_follows_from_an_event_happened_when_the_event_did(world: World) -> None:
    await world.a_plan()
    async with world.expects("license.purchased", "plan.price_plan_changed") as heard:
        await world.buy()
    cause, effect = sorted(heard, key=lambda one: one.name)
    assert effect.envelope.time == cause.envelope.time


async def test_every_version_of_an_aggregate_has_one_event_in_order_and_without_a_gap(world: World) -> None:
    await world.a_plan()
    for _ in range(3):
        license = await world.buy("OT_SITE_S", 2)
        await world.cancel(license["id"])
    await world.quiet()
    # What shares a key shares a partition, so the listener has it in the order of the topic.
    by_subject = sorted(world.heard(), key=lambda one: one.envelope.subject)
    histories = {
        subject: [one.envelope.aggregateversion for one in history]
        for subject, history in groupby(by_subject, key=lambda one: one.envelope.subject)
    }
    assert len(histories) == 6  # four licenses, a plan, and the notice that none used the first license
    for subject, versions in histories.items():
        assert versions == list(range(1, len(versions) + 1)), subject
    for one in world.heard():
        if not one.name.startswith("notice."):  # whose state has no version
            assert one.envelope.aggregateversion == one.state["version"]
        assert one.record.topic == topic_of(one.envelope.type).name


async def test_an_event_has_the_time_at_which_it_happened(world: World) -> None:
    async with world.expects("license.purchased", "license.cancelled") as heard:
        license = await world.buy()
        await world.cancel(license["id"])
    bought, cancelled = heard
    assert bought.envelope.time == datetime.fromisoformat(license["purchased_at"])
    assert cancelled.envelope.time > bought.envelope.time


async def test_one_trace_runs_from_the_request_to_the_event_that_it_leads_to(world: World) -> None:
    await world.a_plan()
    async with world.expects("license.purchased", "plan.price_plan_changed") as heard:
        await world.admin.licensing.post("/v1/licenses", an_order(), headers={"traceparent": TRACEPARENT})
    assert [headers(one)["ce_traceparent"].split("-")[1] for one in heard] == [TRACE, TRACE]


async def test_a_trace_context_of_a_later_version_does_no_harm(world: World) -> None:
    plan = await world.a_plan()
    async with world.expects("license.purchased", "plan.price_plan_changed"):
        # W3C Trace Context lets versions to come add fields at the end.
        later = {"traceparent": f"01-{TRACE}-00f067aa0ba902b7-01-more"}
        await world.admin.licensing.post("/v1/licenses", an_order("OT_SITE_XL"), headers=later)
    assert (await world.plan(plan["subscription_id"]))["version"] == plan["version"] + 1


async def test_a_trace_context_that_is_none_does_no_harm(world: World) -> None:
    async with world.expects("license.purchased"):
        await world.admin.licensing.post("/v1/licenses", an_order(), headers={"traceparent": "nonsense"})
