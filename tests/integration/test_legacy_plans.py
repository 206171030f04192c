"""Do plans from before site licenses go on as they were, and can they be edited and left?"""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from services.plans.legacy_file import import_file
from shared.settings import ServiceSettings
from tests.support.legacy_plans import IMPORT, a_row, import_body, import_plan, import_rows, patch, plan_path
from tests.support.world import World

START = "2027-06-01T00:00:00Z"
A_SECOND_BEFORE = "2027-06-01T00:59:59Z"
EFFECTIVE = "2027-06-01T01:00:00Z"


async def activate(world: World, subscription: str, name: str = "north") -> str:
    """Register a sensor at site Press and activate it; its path."""
    path = f"/v1/subscriptions/{subscription}/sensors/{name}"
    registered = await world.admin.plans.put(path, {"site": "Press"})
    assert registered.status == 201, registered
    file = registered.json["activation_file"]["file"]
    activated = await world.admin.plans.post(f"{path}/activate", {"file": file})
    assert activated.status == 200, activated
    return path


async def test_a_legacy_plan_is_what_was_taken_over(world: World) -> None:
    await world.sandbox(START)
    async with world.expects("plan.added") as heard:
        subscription = await import_plan(
            world, price_plan="annual", committed_devices=1500, sites=3, owner="bob@example.com"
        )
    bob = world.caller("bob@example.com", roles=[])
    plan = (await bob.plans.get(plan_path(subscription))).json
    assert (plan["status"], plan["price_plan"], plan["committed_devices"], plan["sites"]) == (
        "active",
        "annual",
        1500,
        3,
    )
    assert (plan["licensed_sites"], plan["service_state"], plan["terms_accepted_at"]) == ([], "running", None)
    assert heard[0].data["plan"] == {name: value for name, value in plan.items() if name != "allowed_actions"}
    assert heard[0].envelope.time.isoformat() == "2027-06-01T00:00:00+00:00"
    linked = (await bob.plans.get(f"/v1/subscriptions/{subscription}")).json
    assert (linked["display_name"], linked["roles"]) == ("Old plant", ["Owner"])
    assert (await world.admin.plans.get(plan_path(subscription))).status == 404


async def test_licenses_change_nothing_on_a_legacy_plan(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    before = await world.plan(subscription)
    async with world.expects("license.purchased"):
        await world.buy()
    after = await world.plan(subscription)
    # Only that it could now go over to them.
    assert after | {"allowed_actions": []} == before | {"allowed_actions": []}


async def test_an_edit_bills_by_the_second(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    await world.advance("2027-06-15T23:00:00Z")
    async with world.expects("plan.change_requested"):
        edited = await patch(world, subscription, committed_devices=1500)
    assert edited.status == 202, edited
    assert edited.json["pending_change"] == {
        "kind": "edit",
        "requested_at": "2027-06-15T23:00:00Z",
        "effective_at": "2027-06-16T00:00:00Z",
        "to": {"price_plan": "monthly", "committed_devices": 1500, "sites": None},
    }
    assert (edited.json["status"], edited.json["committed_devices"]) == ("change_pending", 1000)
    async with world.expects("plan.change_effective"):
        await world.advance("2027-06-16T00:00:00Z")
    async with world.expects("statement.closed"):
        await world.advance("2027-07-01T00:00:00Z")
    june = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/statements/2027-06")).json
    assert june["total"] == {"amount": "1750.00", "currency": "USD"}
    assert [line["amount"] for line in june["lines"]] == ["700.00", "1050.00"]


async def test_after_an_edit_every_sensor_is_to_be_activated_anew(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    await world.add_site(subscription, "Press", None)
    sensor = await activate(world, subscription)
    await patch(world, subscription, committed_devices=1500)
    await world.advance(A_SECOND_BEFORE)
    assert (await world.admin.plans.get(sensor)).json["activation_state"] == "active"
    async with world.expects("plan.change_effective", "sensor.reactivation_required", "notice.raised"):
        await world.advance(EFFECTIVE)
    shown = (await world.admin.plans.get(sensor)).json
    assert shown["activation_state"] == "reactivation_required"
    assert shown["notices"] == ["SensorReactivationRequired"]


async def test_an_edit_that_is_withdrawn_leaves_all_as_it_was(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    await world.add_site(subscription, "Press", None)
    sensor = await activate(world, subscription)
    before = await world.plan(subscription)
    operation = (await patch(world, subscription, price_plan="annual", sites=2)).headers["Operation-Location"]
    async with world.expects("plan.change_undone"):
        undone = await world.admin.plans.post(f"{plan_path(subscription)}/undo")
    assert undone.json == before | {"version": before["version"] + 2}
    assert (await world.admin.plans.get(operation)).json["status"] == "cancelled"
    async with world.expects():
        await world.advance("2027-06-01T02:00:00Z")
    assert (await world.admin.plans.get(sensor)).json["activation_state"] == "active"


async def test_an_edit_finds_the_one_before_it_in_effect_though_nobody_has_done_it_yet(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    await patch(world, subscription, committed_devices=1500)
    # The clock is moved and nobody tells the scheduler.
    await world.move_clock(A_SECOND_BEFORE)
    assert (await patch(world, subscription, committed_devices=2000)).code == "ChangePending"
    await world.move_clock(EFFECTIVE)
    async with world.expects("plan.change_effective", "plan.change_requested") as heard:
        answer = await world.admin.plans.send(
            "PATCH",
            plan_path(subscription),
            {"committed_devices": 2000, "terms_accepted": True},
            headers={"If-Match": '"3"'},
        )
    assert answer.status == 202, answer
    assert (answer.json["committed_devices"], answer.json["version"]) == (1500, 4)
    assert [one.envelope.aggregateversion for one in heard] == [3, 4]


async def test_an_edit_has_to_name_the_version_that_it_is_meant_for(world: World) -> None:
    subscription = await import_plan(world)
    edit = {"committed_devices": 1500, "terms_accepted": True}
    path = plan_path(subscription)
    missing = await world.admin.plans.send("PATCH", path, edit)
    assert (missing.status, missing.code) == (428, "PreconditionRequired")
    stale = await world.admin.plans.send("PATCH", path, edit, headers={"If-Match": '"7"'})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    # What no version of the plan would take is told first.
    unread = await world.admin.plans.send("PATCH", path, edit | {"terms_accepted": False})
    assert (unread.status, unread.code) == (400, "TermsNotAccepted")


async def test_an_edit_can_be_tried_and_one_to_what_is_so_already_changes_nothing(world: World) -> None:
    subscription = await import_plan(world)
    before = await world.plan(subscription)
    async with world.expects():
        tried = await patch(world, subscription, query="?dry_run=true", committed_devices=1500)
        so_already = await patch(world, subscription, committed_devices=1000)
    assert (tried.status, so_already.status) == (200, 200)
    assert tried.json["pending_change"]["to"]["committed_devices"] == 1500
    assert "Operation-Location" not in so_already.headers
    assert so_already.json["version"] == before["version"]
    assert (await world.plan(subscription))["version"] == before["version"]


@pytest.mark.parametrize(
    ("edit", "status", "code"),
    [
        ({"price_plan": "trial"}, 400, "PricePlanNotATarget"),
        ({"sites": 3}, 400, "SitesNotEditableForPlan"),
        ({"committed_devices": 150}, 422, "InvalidRequest"),
        ({"committed_devices": 0}, 422, "InvalidRequest"),
        ({"price_plan": "microsoft_365", "committed_devices": 1000}, 422, "InvalidRequest"),
        ({"committed_devices": 1500, "terms_accepted": False}, 400, "TermsNotAccepted"),
        ({"price_plan": "microsoft_365"}, 409, "NoActiveLicense"),
    ],
)
async def test_what_cannot_be_edited_is_refused(
    world: World, edit: dict[str, Any], status: int, code: str
) -> None:
    refused = await patch(world, await import_plan(world), **edit)
    assert (refused.status, refused.code) == (status, code)


async def test_a_plan_that_follows_licenses_is_edited_by_changing_them(world: World) -> None:
    refused = await patch(world, (await world.a_plan())["subscription_id"], committed_devices=1500)
    assert (refused.status, refused.code) == (409, "ManagedInMicrosoft365")


async def test_a_plan_goes_over_to_site_licenses(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world)
    await world.add_site(subscription, "Press", None)
    await world.buy("OT_SITE_L")
    await world.quiet()
    assert (await patch(world, subscription, price_plan="microsoft_365")).status == 202
    async with world.expects("plan.change_effective", "site.entitlement_changed"):
        await world.advance(EFFECTIVE)
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"]) == ("microsoft_365", None)
    assert plan["licensed_sites"] == [{"site_size": "L", "max_devices": 1000, "quantity": 1}]
    check = {"checks": [{"subscription_id": subscription, "site": "press"}]}
    before = (await world.admin.plans.post("/v1/entitlement-checks", check)).json["results"][0]
    await world.add_site(subscription, "Press", "L")
    after = (await world.admin.plans.post("/v1/entitlement-checks", check)).json["results"][0]
    assert (before["code"], after["code"]) == ("UNLICENSED_SITE", "VALID")
    async with world.expects("license.purchased", "plan.price_plan_changed"):
        await world.buy("OT_SITE_L")


async def test_sensors_of_other_subscriptions_have_to_be_moved_before_a_plan_goes_over(world: World) -> None:
    here, there = await import_plan(world), await import_plan(world)
    for subscription in (here, there):
        await world.add_site(subscription, "Press", None)
        await activate(world, subscription)
    await world.buy()
    await world.quiet()
    refused = await patch(world, here, price_plan="microsoft_365")
    assert (refused.status, refused.code) == (409, "SensorsOnOtherSubscriptions")
    shown = {one["action"]: one["reason_code"] for one in (await world.plan(here))["allowed_actions"]}
    assert (shown["migrate"], shown["edit"]) == ("SensorsOnOtherSubscriptions", None)
    await world.admin.plans.send("DELETE", f"/v1/subscriptions/{there}/sensors/north")
    assert (await patch(world, here, price_plan="microsoft_365")).status == 202


async def test_a_trial_becomes_monthly_for_a_thousand_devices(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(
        world, price_plan="trial", committed_devices=2000, started_at="2027-05-20T12:00:00Z"
    )
    await world.add_site(subscription, "Press", None)
    sensor = await activate(world, subscription)
    file = await world.admin.plans.post("/v1/console-activation-files", {"subscription_ids": [subscription]})
    assert file.json["devices"] == 2000
    async with world.expects("plan.price_plan_changed") as heard:
        await world.advance("2027-06-20T00:00:00Z")
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"]) == ("monthly", 1000)
    assert heard[0].envelope.time.isoformat() == "2027-06-19T12:00:00+00:00"
    assert (await world.admin.plans.get(sensor)).json["activation_state"] == "active"
    console = (await world.admin.plans.get(f"/v1/console-activation-files/{file.json['id']}")).json
    assert console["status"] == "superseded"


async def test_an_edit_pending_when_the_trial_ends_takes_effect_all_the_same(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world, price_plan="trial", started_at="2027-05-02T00:30:00Z")
    assert (await patch(world, subscription, price_plan="annual", committed_devices=2000)).status == 202
    async with world.expects("plan.price_plan_changed"):
        await world.advance(A_SECOND_BEFORE)
    between = await world.plan(subscription)
    assert (between["price_plan"], between["committed_devices"]) == ("monthly", 1000)
    assert between["status"] == "change_pending"
    async with world.expects("plan.change_effective"):
        await world.advance(EFFECTIVE)
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"], plan["status"]) == ("annual", 2000, "active")


async def test_a_trial_that_is_over_is_taken_over_as_monthly(world: World) -> None:
    await world.sandbox(START)
    subscription = await import_plan(world, price_plan="trial", started_at="2027-05-02T00:00:00Z")
    plan = await world.plan(subscription)
    assert (plan["price_plan"], plan["committed_devices"], plan["version"]) == ("monthly", 1000, 1)


async def test_an_import_is_for_operators(world: World) -> None:
    refused = await world.admin.plans.post(IMPORT, {"plans": [a_row(world.tenant)]})
    assert (refused.status, refused.json["required_roles"]) == (403, ["siteward.operator"])


async def test_an_import_takes_all_or_nothing_and_names_each_bad_row(world: World) -> None:
    await world.sandbox(START)
    taken = await import_plan(World(world.services))
    row = a_row(world.tenant)
    async with world.expects():
        refused = await import_rows(
            world,
            row,
            row,
            a_row(world.tenant, started_at="2027-06-01T00:00:01Z"),
            a_row(world.tenant, subscription_id=taken),
            a_row(world.tenant, started_at=START),
        )
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert [one["pointer"] for one in refused.json["errors"]] == [
        "/plans/1/subscription_id",
        "/plans/2/started_at",
        "/plans/3/subscription_id",
    ]
    assert (await world.admin.plans.get("/v1/subscriptions")).json["items"] == []


async def test_an_import_names_each_field_that_fits_no_plan(world: World) -> None:
    refused = await import_rows(
        world,
        a_row(world.tenant),
        a_row(world.tenant, committed_devices=150),
        a_row(world.tenant, sites=3),
        a_row(world.tenant, price_plan="microsoft_365"),
        a_row(world.tenant, discount=3),
    )
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert [one["pointer"] for one in refused.json["errors"]] == [
        "/plans/1/committed_devices",
        "/plans/2/sites",
        "/plans/3/price_plan",
        "/plans/4/discount",
    ]


async def test_an_import_names_all_that_is_wrong_with_every_row_at_once(world: World) -> None:
    await world.sandbox(START)
    taken = await import_plan(World(world.services))
    row = a_row(world.tenant)
    tomorrow = "2027-06-02T00:00:00Z"
    async with world.expects():
        refused = await import_rows(
            world,
            row,
            a_row(world.tenant, committed_devices=150),
            a_row(world.tenant, subscription_id=taken, started_at=tomorrow),
            row | {"sites": 3, "started_at": tomorrow},
            a_row(world.tenant, tenant_id="nobody", subscription_id=taken),
            a_row(world.tenant, subscription_id=7),
            a_row(world.tenant, started_at="soon"),
        )
        no_row = await import_rows(world, row, "Plant 7")  # type: ignore[arg-type]
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert [one["pointer"] for one in refused.json["errors"]] == [
        "/plans/1/committed_devices",
        "/plans/2/started_at",
        "/plans/2/subscription_id",
        "/plans/3/sites",
        "/plans/3/started_at",
        "/plans/3/subscription_id",
        "/plans/4/tenant_id",
        "/plans/5/subscription_id",
        "/plans/6/started_at",
    ]
    assert [one["pointer"] for one in no_row.json["errors"]] == ["/plans/1"]
    assert (await import_rows(world, row)).status == 201


async def test_an_import_tells_no_more_faults_than_anybody_reads(world: World) -> None:
    await world.sandbox(START)
    rows = [a_row(world.tenant, committed_devices=1, started_at="2027-06-02T00:00:00Z") for _ in range(60)]
    refused = await import_rows(world, *rows)
    assert (refused.status, len(refused.json["errors"])) == (422, 100)


async def test_an_import_takes_no_numbers_that_json_does_not_have(world: World) -> None:
    refused = await import_body(world, b'{"plans": [{"committed_devices": NaN}]}')
    assert (refused.status, refused.code) == (400, "MalformedJson")


async def test_tenants_are_taken_over_together_each_at_its_own_time(world: World) -> None:
    other = World(world.services)
    await world.sandbox(START)
    await other.sandbox("2030-01-01T00:00:00Z")
    rows = [a_row(world.tenant), a_row(other.tenant, started_at="2029-12-31T00:00:00Z")]
    answers = await asyncio.gather(*(import_rows(world, *rows, key="once") for _ in range(2)))
    # Two operators of different tenants: a key is the tenant's, so one of them finds the rows taken.
    assert sorted(answer.status for answer in answers) == [201, 422]
    for one, moment in ((world, START), (other, "2030-01-01T00:00:00Z")):
        await one.quiet()
        (added,) = one.heard("plan.added")
        assert added.envelope.time.isoformat().replace("+00:00", "Z") == moment
    (shown,) = (await other.admin.plans.get("/v1/plans")).json["items"]
    assert shown["subscription_id"] == rows[1]["subscription_id"]


async def test_a_file_is_taken_over_at_a_terminal(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ServiceSettings.model_validate(
        {"DATABASE_URL": world.services.database_url, "KAFKA_BOOTSTRAP_SERVERS": world.services.kafka}
    )
    file = tmp_path / "plans.json"
    row = a_row(world.tenant)
    file.write_bytes(orjson.dumps({"plans": [row, row]}))
    with pytest.raises(SystemExit) as ended:
        await import_file(settings, file)
    assert ended.value.code == 1
    assert "/plans/1/subscription_id: The subscription is linked already." in capsys.readouterr().err
    wrong = [row | {"committed_devices": 1}, row, {"tenant_id": "nobody"}]
    for rows, said in (
        (wrong, ["/plans/0/committed_devices: ", "/plans/1/subscription_id: ", "/plans/2/tenant_id: "]),
        (wrong[2:], ["/plans/0/tenant_id: "]),
    ):
        file.write_bytes(orjson.dumps({"plans": rows}))
        with pytest.raises(SystemExit):
            await import_file(settings, file)
        told = capsys.readouterr().err
        assert all(one in told for one in said), told
    file.write_bytes(orjson.dumps({"plans": [row, a_row(uuid4())]}))
    async with world.expects("plan.added"):
        await import_file(settings, file)
    assert capsys.readouterr().out == "2 plans taken over\n"
    (event,) = (await world.admin.plans.get(f"/v1/subscriptions/{row['subscription_id']}/audit-events")).json[
        "items"
    ]
    assert (event["action"], event["actor"]) == ("plan.imported", "siteward.operator")
    assert UUID(event["after"]["subscription_id"]) == UUID(row["subscription_id"])
