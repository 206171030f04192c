"""Does a plan read what its tenant bought, without anybody writing on it?"""

from uuid import UUID

from tests.support.service_calls import Answer
from tests.support.world import World

XS = {"site_size": "XS", "max_devices": 100}
L = {"site_size": "L", "max_devices": 1000}


async def test_a_plan_lists_the_sites_that_were_bought_before_it(world: World) -> None:
    async with world.expects("license.purchased", "license.purchased"):
        await world.buy("OT_SITE_L", 3)
        await world.buy("OT_SITE_XS", 1)
    subscription = await world.link()
    async with world.expects("plan.added"):
        added = await world.add_plan(subscription)
    assert added["price_plan"] == "microsoft_365"
    assert added["status"] == "active"
    assert added["service_state"] == "running"
    assert added["licensed_sites"] == [XS | {"quantity": 1}, L | {"quantity": 3}]
    assert await world.plan(subscription) == added


async def test_a_second_purchase_changes_the_plan_with_no_write_on_it(world: World) -> None:
    before = await world.a_plan(sites=2)
    async with world.expects("license.purchased", "plan.price_plan_changed"):
        await world.buy("OT_SITE_L", 3)
    after = await world.plan(before["subscription_id"])
    assert after["licensed_sites"] == [L | {"quantity": 5}]
    assert after["version"] == before["version"] + 1
    assert after["as_of"] > before["as_of"]


async def test_what_happens_to_a_plan_by_itself_is_audited_with_its_cause(world: World) -> None:
    plan = await world.a_plan()
    license = await world.buy("OT_SITE_S")
    await world.quiet()
    audited = await world.services.owner.fetchrow(
        "SELECT actor, action, reason, chain FROM plans.audit_events WHERE tenant_id = $1 ORDER BY id DESC LIMIT 1",
        world.tenant,
    )
    assert dict(audited) == {
        "actor": "siteward",
        "action": "plan.price_plan_changed",
        "reason": f"license/{license['id']}",
        "chain": UUID(plan["subscription_id"]),
    }


async def test_every_plan_of_the_tenant_follows(world: World) -> None:
    plans = [await world.a_plan(), await world.a_plan()]
    async with world.expects("license.purchased", "plan.price_plan_changed", "plan.price_plan_changed"):
        await world.buy("OT_SITE_XS", 4)
    for plan in plans:
        sites = (await world.plan(plan["subscription_id"]))["licensed_sites"]
        assert XS | {"quantity": 4} in sites


async def test_the_plans_of_other_tenants_do_not(world: World) -> None:
    plan = await world.a_plan()
    other = World(world.services)
    async with world.expects(), other.expects("license.purchased"):
        await other.buy("OT_SITE_XL", 9)
    assert await world.plan(plan["subscription_id"]) == plan


async def test_a_license_that_is_not_for_sites_makes_a_plan_fresher_and_nothing_else(world: World) -> None:
    plan = await world.a_plan()
    async with world.expects("license.purchased"):
        await world.buy("EIOT_DEVICE", 20)
    later = await world.plan(plan["subscription_id"])
    assert later["as_of"] > plan["as_of"]
    assert later | {"as_of": None} == plan | {"as_of": None}


async def test_the_preview_shows_the_plan_that_would_be_made(world: World) -> None:
    subscription = await world.link()
    preview = f"/v1/subscriptions/{subscription}/plan/preview"
    nothing_yet = (await world.admin.plans.post(preview)).json
    assert nothing_yet["price_plan"] is None
    assert nothing_yet["licensed_sites"] == []
    assert [blocker["code"] for blocker in nothing_yet["blockers"]] == ["NoActiveLicense"]
    await world.buy("OT_SITE_L", 3)
    await world.quiet()
    shown = (await world.admin.plans.post(preview, {})).json
    assert shown["price_plan"] == "microsoft_365"
    assert shown["licensed_sites"] == [L | {"quantity": 3, "used": 0}]
    assert shown["blockers"] == []
    assert set(shown["terms"]) == {"version", "url"}


async def test_the_entitlements_say_that_the_service_runs(world: World) -> None:
    plan = await world.a_plan()
    told = await world.admin.plans.get(f"/v1/subscriptions/{plan['subscription_id']}/entitlements")
    assert told.status == 200
    assert told.json["subscription_id"] == plan["subscription_id"]
    assert told.json["service_state"] == "running"
    assert told.json["sites"] == []
    assert told.json["as_of"] == plan["as_of"]


async def test_a_plan_needs_a_site_license_and_the_terms_and_is_added_once(world: World) -> None:
    subscription = await world.link()
    address = f"/v1/subscriptions/{subscription}/plan"
    await world.buy("EIOT_DEVICE")
    await world.quiet()
    put = world.admin.plans.put
    assert (await put(address, {"terms_accepted": False})).code == "TermsNotAccepted"
    assert (await put(address, {"terms_accepted": True})).code == "NoActiveLicense"
    await world.buy("OT_SITE_M")
    await world.quiet()
    assert (await put(address, {"terms_accepted": True})).status == 201
    assert (await put(address, {"terms_accepted": True})).code == "PlanAlreadyExists"


async def test_a_plan_is_added_over_the_version_that_was_read_alone(world: World) -> None:
    await world.sandbox("2027-06-01T00:00:00Z")
    await world.buy()
    await world.quiet()
    path = f"/v1/subscriptions/{await world.link()}/plan"

    async def put(tag: str, *, terms_accepted: bool = True) -> Answer:
        return await world.admin.plans.put(
            path, {"terms_accepted": terms_accepted}, headers={"If-Match": tag}
        )

    for tag in ("*", '"1-a"'):
        assert (await put(tag)).code == "PreconditionFailed"
    assert (await put('"1-a"', terms_accepted=False)).code == "TermsNotAccepted"
    added = await world.admin.plans.put(path, {"terms_accepted": True})
    assert added.status == 201
    refused = await put('"7-a"')
    assert (refused.status, refused.code) == (412, "PreconditionFailed")
    assert (await put(added.etag)).code == "PlanAlreadyExists"
    assert (await put("*")).code == "PlanAlreadyExists"
    assert (await world.admin.plans.post(f"{path}/cancel", {"agree": True})).status == 202
    await world.advance("2027-06-01T01:00:00Z")
    assert (await put(added.etag)).code == "PreconditionFailed"
    assert (await put((await world.admin.plans.get(path)).etag)).status == 201


async def test_the_price_plan_is_derived_and_never_sent(world: World) -> None:
    await world.buy()
    await world.quiet()
    subscription = await world.link()
    answer = await world.admin.plans.put(
        f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True, "price_plan": "microsoft_365"}
    )
    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/price_plan"


async def test_plans_are_listed_for_whoever_has_a_role_on_them(world: World) -> None:
    mine = [await world.a_plan(), await world.a_plan()]
    listed = (await world.admin.plans.get("/v1/plans")).json["items"]
    assert [plan["subscription_id"] for plan in listed] == sorted(plan["subscription_id"] for plan in mine)
    somebody_else = world.caller("bob@example.com")
    assert (await somebody_else.plans.get("/v1/plans")).json == {"items": []}
