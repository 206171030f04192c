"""Is Enterprise IoT on as long as licenses cover it, or an existing customer keeps it?"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.plans.commands.enterprise_iot import begin_legacy
from tests.support.legacy_plans import import_plan
from tests.support.service_calls import Answer, Caller
from tests.support.world import World

START = "2027-06-01T00:00:00Z"
NEVER = {"status": "off", "legacy": False, "effective_at": None}


def address(subscription: str) -> str:
    return f"/v1/subscriptions/{subscription}/enterprise-iot"


@pytest.fixture
async def security(world: World) -> Caller:
    """A principal with no directory role, who becomes SecurityAdmin where a test says so."""
    return world.caller("sec@example.com", roles=())


async def linked(world: World) -> str:
    """A new subscription of which `sec@example.com` is SecurityAdmin."""
    subscription = await world.link()
    await appoint(world, subscription)
    return subscription


async def appoint(world: World, subscription: str) -> None:
    """Let `sec@example.com` be its SecurityAdmin."""
    given = await world.admin.plans.put(
        f"/v1/subscriptions/{subscription}/role-assignments/sec@example.com", {"role": "SecurityAdmin"}
    )
    assert given.status == 201, given


async def licensed(world: World) -> str:
    """An EIOT_DEVICE license that plans has heard of; its id."""
    license_id: str = (await world.buy("EIOT_DEVICE", 10))["id"]
    await world.quiet()
    return license_id


async def legacy(world: World) -> str:
    """A subscription on which it is on in the legacy way, as an import leaves it."""
    subscription = await linked(world)
    now = datetime.fromisoformat((await world.admin.plans.get("/internal/test-clock")).json["now"])
    async with world.services.plans.begin(world.tenant) as session:
        begin_legacy(
            session,
            UUID(subscription),
            tenant_id=world.tenant,
            by="op@example.com",
            at=now,
        )
    return subscription


async def delete(caller: Caller, subscription: str, headers: Mapping[str, str] | None = None) -> Answer:
    return await caller.plans.send("DELETE", address(subscription), headers=headers)


async def state(caller: Caller, subscription: str) -> Any:
    answer = await caller.plans.get(address(subscription))
    assert answer.status == 200, answer
    return answer.json


async def turned(caller: Caller, subscription: str) -> list[tuple[str, str]]:
    """What its audit says of its being turned on and off, and by whom."""
    trail = (await caller.plans.get(f"/v1/subscriptions/{subscription}/audit-events")).json["items"]
    return [
        (one["action"], one["actor"]) for one in trail if one["action"].startswith("enterprise_iot.turned")
    ]


async def test_it_needs_a_license_but_no_ot_plan(world: World, security: Caller) -> None:
    subscription = await linked(world)
    assert await state(security, subscription) == NEVER
    refused = await security.plans.put(address(subscription), {})
    assert (refused.status, refused.code) == (409, "NoEnterpriseIotLicense")
    await licensed(world)
    async with world.expects("enterprise_iot.changed") as heard:
        on = await security.plans.put(address(subscription), {})
        again = await security.plans.put(address(subscription), {})
    assert (on.status, again.status) == (201, 200)
    assert on.json == again.json == await state(security, subscription)
    assert (on.json["status"], on.json["legacy"]) == ("on", False)
    (told,) = heard
    assert told.envelope.subject == f"enterprise_iot/{subscription}"
    assert (told.envelope.partitionkey, told.envelope.aggregateversion) == (subscription, 1)
    assert told.state == on.json
    assert told.data["previous"] == {"status": "off", "effective_at": None}


async def test_it_stays_while_a_license_is_active_and_ends_with_the_last(
    world: World, security: Caller
) -> None:
    subscription = await linked(world)
    first, last = await licensed(world), await licensed(world)
    await security.plans.put(address(subscription), {})
    refused = await delete(security, subscription)
    assert (refused.status, refused.code) == (409, "EnterpriseIotLicenseActive")
    async with world.expects("license.cancelled"):
        await world.cancel(first)
    assert (await state(security, subscription))["status"] == "on"
    async with world.expects("license.cancelled", "enterprise_iot.changed") as heard:
        await world.cancel(last)
    at = {one.name: one.envelope.time for one in heard}
    assert at["enterprise_iot.changed"] == at["license.cancelled"]
    assert (await state(security, subscription))["status"] == "off"
    async with world.expects():
        assert (await delete(security, subscription)).status == 204
    assert await turned(security, subscription) == [
        ("enterprise_iot.turned_on", "sec@example.com"),
        ("enterprise_iot.turned_off", "siteward"),
    ]


async def test_a_version_that_is_past_changes_nothing(world: World, security: Caller) -> None:
    subscription = await linked(world)
    await licensed(world)
    never = (await security.plans.get(address(subscription))).etag
    await security.plans.put(address(subscription), {})
    stale = await delete(security, subscription, {"If-Match": never})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")


async def test_a_legacy_one_ends_an_hour_after_it_is_cancelled(world: World, security: Caller) -> None:
    await world.sandbox(START)
    subscription = await legacy(world)
    async with world.expects("enterprise_iot.changed"):
        asked = await delete(security, subscription)
        again = await delete(security, subscription)
    assert (asked.status, again.status) == (202, 202)
    assert asked.json == {"status": "on", "legacy": True, "effective_at": "2027-06-01T01:00:00Z"}
    assert asked.headers["Retry-After"] == "600"
    operation = asked.headers["Operation-Location"]
    assert again.headers["Operation-Location"] == operation
    waiting = (await security.plans.get(operation)).json
    assert (waiting["status"], waiting["effective_at"]) == ("not_started", "2027-06-01T01:00:00Z")
    assert (await world.caller("bob@example.com").plans.get(operation)).status == 404
    async with world.expects():
        await world.advance("2027-06-01T00:59:59Z")
    async with world.expects("enterprise_iot.changed") as heard:
        await world.advance("2027-06-01T03:00:00Z")
    assert heard[0].envelope.time == datetime.fromisoformat("2027-06-01T01:00:00Z")
    assert (await state(security, subscription))["status"] == "off"
    done = (await security.plans.get(operation)).json
    assert (done["status"], done["finished_at"]) == ("succeeded", "2027-06-01T01:00:00Z")


async def test_while_its_end_is_pending_nothing_turns_it_on(world: World, security: Caller) -> None:
    await world.sandbox(START)
    subscription = await legacy(world)
    await licensed(world)
    assert (await security.plans.put(address(subscription), {})).status == 200
    ending = await delete(security, subscription)
    async with world.expects():
        refused = await security.plans.put(address(subscription), {})
    assert (refused.status, refused.code) == (409, "ChangePending")
    assert "2027-06-01T01:00:00Z" in refused.json["detail"]
    assert await state(security, subscription) == ending.json
    # The clock is moved and nobody tells the scheduler.
    await world.move_clock("2027-06-01T01:00:00Z")
    async with world.expects("enterprise_iot.changed", "enterprise_iot.changed") as heard:
        on = await security.plans.put(address(subscription), {})
    assert (on.status, on.json["legacy"]) == (201, False)
    assert [one.state["status"] for one in heard] == ["off", "on"]
    assert (await security.plans.get(ending.headers["Operation-Location"])).json["status"] == "succeeded"


@pytest.mark.parametrize("end_pending", [False, True])
async def test_it_ends_with_the_ot_plan(world: World, security: Caller, *, end_pending: bool) -> None:
    await world.sandbox(START)
    subscription = await legacy(world)
    await world.buy("OT_SITE_L")
    await world.quiet()
    await world.add_plan(subscription)
    cancelled = await world.admin.plans.post(f"/v1/subscriptions/{subscription}/plan/cancel", {"agree": True})
    assert cancelled.json["removes"]["enterprise_iot"] is True
    operation = None
    if end_pending:
        await world.advance("2027-06-01T00:30:00Z")
        operation = (await delete(security, subscription)).headers["Operation-Location"]
    async with world.expects("plan.cancelled", "enterprise_iot.changed"):
        await world.advance("2027-06-01T02:00:00Z")
    assert (await state(security, subscription))["effective_at"] == "2027-06-01T01:00:00Z"
    if operation is not None:
        assert (await security.plans.get(operation)).json["status"] == "succeeded"


async def trial(world: World, started_at: str = "2027-05-02T12:00:00Z") -> str:
    """The subscription of a legacy trial that was taken over with Enterprise IoT."""
    return await import_plan(
        world, price_plan="trial", started_at=started_at, enterprise_iot=True, owner="ada@example.com"
    )


@pytest.mark.parametrize("end_pending", [False, True])
async def test_what_came_with_a_legacy_trial_ends_with_it(
    world: World, security: Caller, *, end_pending: bool
) -> None:
    await world.sandbox(START)
    subscription = await trial(world)
    await appoint(world, subscription)
    operation = None
    if end_pending:
        await world.advance("2027-06-01T11:30:00Z")
        operation = (await delete(security, subscription)).headers["Operation-Location"]
    await world.advance("2027-06-01T11:59:59Z")
    assert (await state(security, subscription))["status"] == "on"
    async with world.expects("plan.price_plan_changed", "enterprise_iot.changed") as heard:
        await world.advance("2027-06-01T14:00:00Z")
    assert {one.envelope.time.isoformat() for one in heard} == {"2027-06-01T12:00:00+00:00"}
    assert await state(security, subscription) == {
        "status": "off",
        "legacy": True,
        "effective_at": "2027-06-01T12:00:00Z",
    }
    assert await turned(security, subscription) == [
        ("enterprise_iot.turned_on", "op@example.com"),
        ("enterprise_iot.turned_off", "siteward"),
    ]
    if operation is not None:
        done = (await security.plans.get(operation)).json
        assert (done["status"], done["finished_at"]) == ("succeeded", "2027-06-01T12:00:00Z")


async def test_a_trial_that_is_over_begins_none(world: World) -> None:
    await world.sandbox(START)
    async with world.expects("plan.added"):
        subscription = await trial(world, "2027-05-02T00:00:00Z")
    assert await state(world.admin, subscription) == NEVER


async def test_what_a_license_covers_outlives_a_legacy_trial(world: World, security: Caller) -> None:
    await world.sandbox(START)
    subscription = await trial(world)
    await appoint(world, subscription)
    await delete(security, subscription)
    await world.advance("2027-06-01T01:00:00Z")
    await licensed(world)
    assert (await security.plans.put(address(subscription), {})).status == 201
    async with world.expects("plan.price_plan_changed"):
        await world.advance("2027-06-01T14:00:00Z")
    assert (await state(security, subscription))["status"] == "on"


async def test_anybody_may_estimate(world: World) -> None:
    caller = world.caller("new@example.com", roles=())
    found = await caller.plans.get("/v1/enterprise-iot/estimate?devices=1204&seats=240")
    assert found.json == {"devices": 1204, "covered_by_seats": 1200, "licenses_needed": 4}
    for query in ("devices=1", "devices=-1&seats=0", "devices=x&seats=0", "devices=1.5&seats=0"):
        refused = await caller.plans.get(f"/v1/enterprise-iot/estimate?{query}")
        assert (refused.status, refused.code) == (422, "InvalidRequest"), query


async def test_of_a_subscription_that_is_not_theirs_nobody_learns_anything(world: World) -> None:
    stranger = world.caller("bob@example.com")
    for subscription in (await linked(world), str(uuid4())):
        for method in ("GET", "PUT", "DELETE"):
            body: dict[str, Any] | None = {} if method == "PUT" else None
            answer = await stranger.plans.send(method, address(subscription), body)
            assert (answer.status, answer.code) == (404, "SubscriptionNotFound"), method
