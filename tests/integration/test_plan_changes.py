"""Does a confirmed change of a plan take effect an hour later, and not at all once it is undone?"""

from typing import Any
from uuid import uuid4

import pytest

from shared.identity import Principal
from tests.support.service_calls import Answer, ServiceClient
from tests.support.world import World

START = "2027-06-01T00:00:00Z"
OPERATOR = frozenset({"siteward.operator"})


def path_of(subscription: str) -> str:
    return f"/v1/subscriptions/{subscription}/plan"


async def patch(world: World, subscription: str, **edit: Any) -> Answer:
    etag = (await world.admin.plans.get(path_of(subscription))).etag
    return await world.admin.plans.send(
        "PATCH", path_of(subscription), {"terms_accepted": True} | edit, headers={"If-Match": etag}
    )


async def import_plan(world: World, **row: Any) -> Answer:
    """A legacy plan of the world's tenant, on a new subscription."""
    plan = {
        "tenant_id": str(world.tenant),
        "subscription_id": str(uuid4()),
        "display_name": "Old plant",
        "owner": "ada@example.com",
        "price_plan": "monthly",
        "committed_devices": 1000,
        "started_at": "2023-01-01T00:00:00Z",
    } | row
    operator = Principal("op@example.com", uuid4(), frozenset(), OPERATOR)
    client = ServiceClient(world.services.http, world.services.urls["plans"], operator)
    answer = await client.post("/v1/legacy-plans/import", {"plans": [plan]})
    assert answer.status == 201, answer
    (listed,) = (await world.admin.plans.get("/v1/plans")).json["items"]
    assert listed["subscription_id"] == plan["subscription_id"]
    return answer


async def subscription_of(world: World) -> str:
    (listed,) = (await world.admin.plans.get("/v1/plans")).json["items"]
    subscription: str = listed["subscription_id"]
    return subscription


async def test_a_plan_ends_an_hour_after_its_cancel_with_all_that_is_on_it(world: World) -> None:
    await world.sandbox(START)
    subscription = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    path = path_of(subscription)
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
    await world.admin.plans.post(f"{path_of(subscription)}/cancel", {"agree": True})
    async with world.expects("plan.change_undone"):
        undone = (await world.admin.plans.post(f"{path_of(subscription)}/undo")).json
    assert undone == before | {"version": before["version"] + 2}
    assert (await world.admin.plans.post(f"{path_of(subscription)}/undo")).code == "NothingPending"
    async with world.expects():
        await world.advance("2027-06-01T02:00:00Z")


async def test_sensors_stand_against_a_cancel_and_are_named(world: World) -> None:
    subscription = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    sensor = f"/v1/subscriptions/{subscription}/sensors/north"
    assert (await world.admin.plans.put(sensor, {"site": "press"})).status == 201
    refused = await world.admin.plans.post(f"{path_of(subscription)}/cancel", {"agree": True})
    assert (refused.status, refused.code, refused.json["sensors"]) == (
        409,
        "SensorsStillRegistered",
        ["north"],
    )
    tried = await world.admin.plans.post(f"{path_of(subscription)}/cancel?dry_run=true", {"agree": True})
    assert tried.status == 200, tried
    assert tried.json["removes"]["sensors"] == ["north"]
    assert [one["code"] for one in tried.json["blockers"]] == ["SensorsStillRegistered"]


async def test_an_edit_of_a_legacy_plan_bills_by_the_second(world: World) -> None:
    await world.sandbox(START)
    await import_plan(world)
    subscription = await subscription_of(world)
    await world.advance("2027-06-15T23:00:00Z")
    async with world.expects("plan.change_requested"):
        edited = await patch(world, subscription, committed_devices=1500)
    assert edited.status == 202, edited
    async with world.expects("plan.change_effective"):
        await world.advance("2027-06-16T00:00:00Z")
    async with world.expects("statement.closed"):
        await world.advance("2027-07-01T00:00:00Z")
    june = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/statements/2027-06")).json
    assert june["total"] == {"amount": "1750.00", "currency": "USD"}
    assert [line["amount"] for line in june["lines"]] == ["700.00", "1050.00"]


async def test_a_legacy_trial_becomes_monthly_for_a_thousand_devices(world: World) -> None:
    await world.sandbox(START)
    await import_plan(world, price_plan="trial", committed_devices=2000, started_at="2027-05-20T12:00:00Z")
    subscription = await subscription_of(world)
    async with world.expects("plan.price_plan_changed") as heard:
        await world.advance("2027-06-20T00:00:00Z")
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"]) == ("monthly", 1000)
    assert heard[0].envelope.time.isoformat() == "2027-06-19T12:00:00+00:00"


@pytest.mark.parametrize(
    ("edit", "status", "code"),
    [
        ({"price_plan": "trial"}, 400, "PricePlanNotATarget"),
        ({"sites": 3}, 400, "SitesNotEditableForPlan"),
        ({"committed_devices": 150}, 422, "InvalidRequest"),
        ({"committed_devices": 1500, "terms_accepted": False}, 400, "TermsNotAccepted"),
        ({"price_plan": "microsoft_365"}, 409, "NoActiveLicense"),
    ],
)
async def test_what_cannot_be_edited_is_refused(
    world: World, edit: dict[str, Any], status: int, code: str
) -> None:
    await import_plan(world)
    refused = await patch(world, await subscription_of(world), **edit)
    assert (refused.status, refused.code) == (status, code)


async def test_a_legacy_plan_goes_over_to_site_licenses(world: World) -> None:
    await world.sandbox(START)
    await import_plan(world)
    subscription = await subscription_of(world)
    await world.add_site(subscription, "Press", None)
    await world.buy("OT_SITE_L")
    await world.quiet()
    assert (await patch(world, subscription, price_plan="microsoft_365")).status == 202
    await world.advance("2027-06-01T01:00:00Z")
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"]) == ("microsoft_365", None)
    check = {"checks": [{"subscription_id": subscription, "site": "press"}]}
    assert (await world.admin.plans.post("/v1/entitlement-checks", check)).json["results"][0]["code"] == (
        "UNLICENSED_SITE"
    )
    await world.add_site(subscription, "Press", "L")
    assert (await world.admin.plans.post("/v1/entitlement-checks", check)).json["results"][0][
        "code"
    ] == "VALID"


async def test_an_import_takes_all_or_nothing_and_names_each_bad_row(world: World) -> None:
    row = {
        "tenant_id": str(world.tenant),
        "subscription_id": str(uuid4()),
        "display_name": "Old plant",
        "owner": "ada@example.com",
        "price_plan": "monthly",
        "committed_devices": 1000,
        "started_at": "2023-01-01T00:00:00Z",
    }
    operator = Principal("op@example.com", uuid4(), frozenset(), OPERATOR)
    client = ServiceClient(world.services.http, world.services.urls["plans"], operator)
    rows = [row, row, row | {"subscription_id": str(uuid4()), "started_at": "2999-01-01T00:00:00Z"}]
    refused = await client.post("/v1/legacy-plans/import", {"plans": rows})
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert {one["pointer"] for one in refused.json["errors"]} == {
        "/plans/1/subscription_id",
        "/plans/2/started_at",
    }
    assert (await world.admin.plans.get("/v1/plans")).json["items"] == []
    forbidden = await world.admin.plans.post("/v1/legacy-plans/import", {"plans": [row]})
    assert (forbidden.status, forbidden.json["required_roles"]) == (403, ["siteward.operator"])
