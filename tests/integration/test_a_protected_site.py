"""From a license to a protected site: does each part come out as the next one needs it?"""

from typing import Any

from tests.support.world import World

SENSOR = {"site": "hall-1", "zone": "Packing"}


async def _a_site(world: World) -> tuple[str, Any]:
    """A subscription with a plan and one site of two that are licensed; and the license."""
    license = await world.buy("OT_SITE_XS", 2)
    await world.quiet()
    here = f"/v1/subscriptions/{(await world.add_plan(await world.link()))['subscription_id']}"
    made = await world.admin.plans.put(
        f"{here}/sites/hall-1",
        {"display_name": "Hall 1", "site_size": "XS", "zones": ["Default", "Packing"]},
    )
    assert made.status == 201, made
    assert made.json["entitled"] is True
    assert made.json["license_id"] == license["id"]
    return here, license


async def test_a_site_is_assigned_at_its_license(world: World) -> None:
    _, license = await _a_site(world)
    await world.quiet()
    held = (await world.admin.licensing.get(f"/v1/licenses/{license['id']}")).json
    assert held["assigned"] == 1
    assert held["assigned_as_of"] is not None
    (summed,) = (await world.admin.licensing.get("/v1/license-summary")).json["items"]
    assert summed["consumed"] == 1
    etag = (await world.admin.licensing.get(f"/v1/licenses/{license['id']}")).etag
    path = f"/v1/licenses/{license['id']}"
    one = await world.admin.licensing.send("PATCH", path, {"quantity": 1}, headers={"If-Match": etag})
    assert one.status == 200, one


async def test_a_license_is_not_reduced_below_its_sites(world: World) -> None:
    here, license = await _a_site(world)
    second = await world.admin.plans.put(
        f"{here}/sites/hall-2", {"display_name": "Hall 2", "site_size": "XS"}
    )
    assert second.status == 201
    third = await world.admin.plans.put(f"{here}/sites/hall-3", {"display_name": "Hall 3", "site_size": "XS"})
    assert (third.status, third.code) == (409, "SiteSizeNotLicensed")
    await world.quiet()
    path = f"/v1/licenses/{license['id']}"
    etag = (await world.admin.licensing.get(path)).etag
    refused = await world.admin.licensing.send("PATCH", path, {"quantity": 1}, headers={"If-Match": etag})
    assert (refused.status, refused.code) == (409, "LicenseInUse")


async def test_a_sensor_is_activated_by_its_newest_file_alone(world: World) -> None:
    here, _ = await _a_site(world)
    sensor = f"{here}/sensors/north-gate"
    async with world.expects("sensor.registered"):
        registered = await world.admin.plans.put(sensor, SENSOR)
    assert registered.status == 201
    first = registered.json["activation_file"]
    newer = (await world.admin.plans.post(f"{sensor}/activation-file")).json
    assert newer["serial"] == first["serial"] + 1
    refused = await world.admin.plans.post(f"{sensor}/activate", {"file": first["file"]})
    assert (refused.status, refused.code) == (400, "ActivationFileSuperseded")
    async with world.expects("sensor.activated"):
        active = await world.admin.plans.post(
            f"{sensor}/activate",
            newer["file"].encode(),
            headers={"Content-Type": "application/octet-stream"},
        )
    assert active.json["activation_state"] == "active"
    async with world.expects("sensor.reactivation_required", "notice.raised"):
        moved = await world.admin.plans.put(sensor, {"management": "local"})
    assert moved.json["notices"] == ["SensorReactivationRequired"]
    async with world.expects("sensor.deleted", "notice.cleared"):
        assert (await world.admin.plans.send("DELETE", sensor)).status == 204
    again = (await world.admin.plans.put(sensor, SENSOR)).json
    assert again["activation_file"]["serial"] == newer["serial"] + 1
    revoked = await world.admin.plans.post(f"{sensor}/activate", {"file": newer["file"]})
    assert revoked.code == "ActivationFileRevoked"


async def test_a_sensor_registered_anew_in_another_case_keeps_its_spelling(world: World) -> None:
    here, _ = await _a_site(world)
    subscription = here.rpartition("/")[2]
    async with world.expects("sensor.registered", "sensor.deleted", "sensor.registered") as heard:
        await world.admin.plans.put(f"{here}/sensors/Del", SENSOR)
        await world.admin.plans.send("DELETE", f"{here}/sensors/del")
        again = await world.admin.plans.put(f"{here}/sensors/DEL", SENSOR)
    assert (again.status, again.json["name"]) == (201, "Del")
    assert [(one.envelope.subject, one.envelope.aggregateversion) for one in heard] == [
        (f"sensor/{subscription}/Del", version) for version in (1, 2, 3)
    ]
    audited = (await world.admin.plans.get(f"{here}/audit-events")).json["items"]
    assert {one["resource"] for one in audited if one["action"].startswith("sensor.")} == {
        f"sensor/{subscription}/Del"
    }
    file = {"file": again.json["activation_file"]["file"]}
    assert (await world.admin.plans.post(f"{here}/sensors/dEL/activate", file)).status == 200


async def test_with_a_version_that_nothing_has_no_sensor_is_registered(world: World) -> None:
    here, _ = await _a_site(world)
    sensor = f"{here}/sensors/North"
    for tag in ("*", '"1-a"'):
        refused = await world.admin.plans.put(sensor, SENSOR, headers={"If-Match": tag})
        assert (refused.status, refused.code) == (412, "PreconditionFailed")
    assert (await world.admin.plans.get(sensor)).status == 404


async def test_a_console_file_is_superseded_by_another_license(world: World) -> None:
    here, _ = await _a_site(world)
    subscription = here.rpartition("/")[2]
    issued = await world.admin.plans.post(
        "/v1/console-activation-files", {"subscription_ids": [subscription]}
    )
    assert issued.status == 201, issued
    assert (issued.json["devices"], issued.json["status"]) == (200, "issued")
    async with world.expects("license.purchased", "plan.price_plan_changed", "notice.raised"):
        await world.buy("OT_SITE_L")
    path = f"/v1/console-activation-files/{issued.json['id']}"
    assert (await world.admin.plans.get(path)).json["status"] == "superseded"
    async with world.expects("notice.cleared"):
        newer = await world.admin.plans.post(
            "/v1/console-activation-files", {"subscription_ids": [subscription]}
        )
    assert newer.json["devices"] == 1200
