"""Can a caller tell whether a resource is still as it was read?"""

import re

from tests.support.world import World, an_order

STRONG = re.compile(r'"\d+-[^"]+"')


async def test_every_single_resource_has_a_strong_etag_of_its_version(world: World) -> None:
    plan = await world.a_plan()
    subscription = f"/v1/subscriptions/{plan['subscription_id']}"
    (license,) = [one.state for one in world.heard("license.purchased")]
    for service, path in (
        ("licensing", "/v1/products/OT_SITE_L"),
        ("licensing", f"/v1/licenses/{license['id']}"),
        ("plans", subscription),
        ("plans", f"{subscription}/plan"),
        ("plans", f"{subscription}/entitlements"),
    ):
        answer = await getattr(world.admin, service).get(path)
        assert STRONG.fullmatch(answer.etag), path
        assert answer.etag.startswith(f'"{answer.json.get("version", 1)}-')


async def test_a_write_answers_with_the_etag_that_a_read_will_have(world: World) -> None:
    bought = await world.admin.licensing.post("/v1/licenses", an_order())
    address = bought.headers["Location"]
    assert (await world.admin.licensing.get(address)).etag == bought.etag
    await world.quiet()
    subscription = f"/v1/subscriptions/{await world.link()}"
    added = await world.admin.plans.put(f"{subscription}/plan", {"terms_accepted": True})
    assert (await world.admin.plans.get(f"{subscription}/plan")).etag == added.etag


async def test_an_unchanged_resource_is_not_sent_again(world: World) -> None:
    license = await world.buy()
    address = f"/v1/licenses/{license['id']}"
    etag = (await world.admin.licensing.get(address)).etag
    for known in (etag, f'"1-other", {etag}', "*", f"W/{etag}"):
        unchanged = await world.admin.licensing.get(address, headers={"If-None-Match": known})
        assert (unchanged.status, unchanged.body, unchanged.etag) == (304, b"", etag)
    for other in ('"1-other"', etag.strip('"')):
        assert (await world.admin.licensing.get(address, headers={"If-None-Match": other})).status == 200


async def test_a_changed_resource_has_another_etag(world: World) -> None:
    license = await world.buy()
    address = f"/v1/licenses/{license['id']}"
    etag = (await world.admin.licensing.get(address)).etag
    await world.cancel(license["id"])
    changed = await world.admin.licensing.get(address, headers={"If-None-Match": etag})
    assert changed.status == 200
    assert changed.etag.startswith('"2-')


async def test_how_fresh_an_answer_is_does_not_change_its_etag(world: World) -> None:
    plan = await world.a_plan()
    subscription = f"/v1/subscriptions/{plan['subscription_id']}"
    before = [await world.admin.plans.get(subscription + path) for path in ("/plan", "/entitlements")]
    await world.buy("EIOT_DEVICE")  # which no plan shows
    await world.quiet()
    for path, old in zip(("/plan", "/entitlements"), before, strict=True):
        new = await world.admin.plans.get(subscription + path)
        assert new.json["as_of"] > old.json["as_of"]
        assert new.etag == old.etag
        known = await world.admin.plans.get(subscription + path, headers={"If-None-Match": old.etag})
        assert known.status == 304


async def test_allowed_actions_that_change_by_themselves_change_the_etag(world: World) -> None:
    await world.sandbox("2026-03-01T09:30:00Z")
    license = await world.buy()
    address = f"/v1/licenses/{license['id']}"
    etag = (await world.admin.licensing.get(address)).etag
    await world.move_clock("2026-03-08T09:30:00Z")
    later = await world.admin.licensing.get(address, headers={"If-None-Match": etag})
    assert later.status == 200
    assert later.etag != etag
    assert later.etag.startswith('"1-')


async def test_if_match_compares_the_version_alone(world: World) -> None:
    license = await world.buy()
    address = f"/v1/licenses/{license['id']}/cancel"
    for stale in ('"2-x"', '"0-x"', '"11-x"', 'W/"1-x"', '"x"', ""):
        refused = await world.admin.licensing.post(address, headers={"If-Match": stale})
        assert (refused.status, refused.code) == (412, "PreconditionFailed"), stale
    done = await world.admin.licensing.post(address, headers={"If-Match": '"1-a-digest-of-last-week"'})
    assert done.status == 200


async def test_if_match_with_a_star_takes_any_version(world: World) -> None:
    license = await world.buy()
    done = await world.admin.licensing.post(f"/v1/licenses/{license['id']}/cancel", headers={"If-Match": "*"})
    assert done.status == 200


async def test_a_subscription_is_renamed_only_as_it_was_read(world: World) -> None:
    address = f"/v1/subscriptions/{await world.link('Plant 7')}"
    read = await world.admin.plans.get(address)
    renamed = await world.admin.plans.put(
        address, {"display_name": "Plant 8"}, headers={"If-Match": read.etag}
    )
    assert (renamed.status, renamed.json["version"]) == (200, 2)
    stale = await world.admin.plans.put(address, {"display_name": "Plant 9"}, headers={"If-Match": read.etag})
    assert stale.status == 412


async def test_what_is_so_already_makes_no_new_version(world: World) -> None:
    address = f"/v1/subscriptions/{await world.link('Plant 7')}"
    before = await world.rows()
    again = await world.admin.plans.put(address, {"display_name": "Plant 7"})
    assert (again.status, again.json["version"]) == (200, 1)
    assert await world.rows() == before


async def test_what_is_only_to_be_made_is_not_changed_where_it_is_there_already(world: World) -> None:
    plan = await world.a_plan()
    site = f"/v1/subscriptions/{plan['subscription_id']}/sites/Hall"
    only_new = {"If-None-Match": "*"}
    made = await world.admin.plans.put(site, {"display_name": "Hall", "site_size": "L"}, headers=only_new)
    assert made.status == 201
    other = {"display_name": "Other", "site_size": "L"}
    again = await world.admin.plans.put(site, other, headers=only_new)
    assert (again.status, again.code) == (412, "PreconditionFailed")
    assert (await world.admin.plans.get(site)).etag == made.etag
