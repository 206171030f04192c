"""Are sites made, changed and deleted as licenses allow, and never more of them than there are licenses?"""

import asyncio
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from tests.support.service_calls import Answer
from tests.support.world import World

_SENSOR: Final = """
    INSERT INTO plans.sensors (subscription_id, name_key, tenant_id, name, site_key, site, zone, type, management,
                               activation_state, deleted, serial, superseded_through, revoked_through, version)
    VALUES ($1, lower($2), $3, $2, lower($4), $4, $5, 'ot', 'cloud', 'pending_activation', false, 1, 0, 0, 1)
"""


@pytest.fixture
async def plan(world: World) -> str:
    """A subscription whose plan has three licenses for large sites."""
    subscription: str = (await world.a_plan(sites=3))["subscription_id"]
    return subscription


def address(subscription: str, name: str = "") -> str:
    return f"/v1/subscriptions/{subscription}/sites" + (f"/{name}" if name else "")


async def put(world: World, subscription: str, name: str, **fields: object) -> Answer:
    body = {"display_name": name, "site_size": "L"} | fields
    return await world.admin.plans.put(address(subscription, name), body)


async def patch(world: World, subscription: str, name: str, tag: str = "*", **fields: object) -> Answer:
    return await world.admin.plans.send(
        "PATCH", address(subscription, name), fields, headers={"If-Match": tag}
    )


async def delete(world: World, subscription: str, name: str) -> Answer:
    return await world.admin.plans.send("DELETE", address(subscription, name))


async def site(world: World, subscription: str, name: str) -> Any:
    answer = await world.admin.plans.get(address(subscription, name))
    assert answer.status == 200, answer
    return answer.json


async def add_sensor(world: World, subscription: str, name: str, at: str, zone: str = "Default") -> None:
    await world.services.owner.execute(_SENSOR, UUID(subscription), name, world.tenant, at, zone)


async def buy(world: World, sku: str, quantity: int = 1) -> str:
    """Buy licenses; the id, once plans has heard of them."""
    bought: str = (await world.buy(sku, quantity))["id"]
    await world.quiet()
    return bought


async def cancel(world: World, license_id: str) -> None:
    await world.cancel(license_id)
    await world.quiet()


class TestMaking:
    async def test_answers_with_the_site_and_the_license_that_covers_it(self, world: World) -> None:
        license = await buy(world, "OT_SITE_L")
        subscription = (await world.a_plan())["subscription_id"]
        async with world.expects("site.entitlement_changed") as heard:
            made = await put(
                world,
                subscription,
                "Hall 1",
                display_name="The first hall",
                tags={"line": "4"},
                owners=["ot@example.com"],
                zones=["Default", "Packing"],
            )
        assert made.status == 201
        assert made.json == {
            "name": "Hall 1",
            "display_name": "The first hall",
            "site_size": "L",
            "max_devices": 1000,
            "detected_devices": 0,
            "entitled": True,
            "license_id": license,
            "tags": {"line": "4"},
            "owners": ["ot@example.com"],
            "zones": ["Default", "Packing"],
            "version": 1,
        }
        read = await world.admin.plans.get(address(subscription, "Hall 1"))
        assert (read.json, read.etag) == (made.json, made.etag)
        [told] = heard
        assert told.data["site"] == made.json
        assert (told.data["changed"], told.data["previous"]) == (["entitled"], {"entitled": None})

    async def test_gives_it_a_zone_where_none_is_named(self, world: World, plan: str) -> None:
        made = (await put(world, plan, "Hall")).json
        assert (made["zones"], made["tags"], made["owners"]) == (["Default"], {}, [])

    async def test_needs_a_size_on_a_plan_that_follows_licenses(self, world: World, plan: str) -> None:
        for body in ({"display_name": "Hall"}, {"display_name": "Hall", "site_size": None}):
            refused = await world.admin.plans.put(address(plan, "Hall"), body)
            assert (refused.status, refused.code) == (422, "InvalidRequest")
            assert [error["pointer"] for error in refused.json["errors"]] == ["/site_size"]

    async def test_takes_no_size_that_no_license_is_for(self, world: World, plan: str) -> None:
        refused = await put(world, plan, "Hall", site_size="XS")
        assert (refused.status, refused.code) == (409, "SiteSizeNotLicensed")
        assert (await world.admin.plans.get(address(plan, "Hall"))).code == "SiteNotFound"

    async def test_needs_a_plan(self, world: World) -> None:
        refused = await put(world, await world.link(), "Hall")
        assert (refused.status, refused.code) == (409, "NoPlan")

    async def test_on_a_legacy_plan_takes_no_size_and_no_license(self, world: World, plan: str) -> None:
        await world.services.owner.execute(
            "UPDATE plans.plans SET legacy = true, price_plan = 'monthly' WHERE subscription_id = $1",
            UUID(plan),
        )
        refused = await put(world, plan, "Hall")
        assert (refused.status, refused.code) == (400, "SiteSizeNotApplicable")
        made = await world.admin.plans.put(address(plan, "Hall"), {"display_name": "Hall"})
        assert made.status == 201
        assert (made.json["site_size"], made.json["license_id"], made.json["entitled"]) == (None, None, True)

    @pytest.mark.parametrize("name", ["a%0Ab", "Halle%20%C3%B6", "x" * 65, "a%2Bb", "%00", "a*b"])
    async def test_takes_no_name_that_is_none(self, world: World, plan: str, name: str) -> None:
        refused = await put(world, plan, name)
        assert (refused.status, refused.code) == (422, "InvalidRequest")
        assert [error["pointer"] for error in refused.json["errors"]] == ["name"]
        for method in ("GET", "DELETE"):
            absent = await world.admin.plans.send(method, address(plan, name))
            assert (absent.status, absent.code) == (404, "SiteNotFound")
        absent = await patch(world, plan, name)
        assert (absent.status, absent.code) == (404, "SiteNotFound")

    @pytest.mark.parametrize("name", ["Enterprise network", "ENTERPRISE NETWORK"])
    async def test_leaves_the_site_of_the_system_to_it(self, world: World, plan: str, name: str) -> None:
        refused = await put(world, plan, name)
        assert (refused.status, refused.code) == (422, "InvalidRequest")

    @pytest.mark.parametrize(
        ("fields", "pointer"),
        [
            ({"display_name": ""}, "/display_name"),
            ({"display_name": "x" * 201}, "/display_name"),
            ({"display_name": "a\nb"}, "/display_name"),
            ({"site_size": "XXL"}, "/site_size"),
            ({"tags": {"": "x"}}, "/tags//[key]"),
            ({"tags": {"a": "x" * 257}}, "/tags/a"),
            ({"tags": {str(number): "x" for number in range(51)}}, "/tags"),
            ({"owners": ["nobody"]}, "/owners/0"),
            ({"owners": ["a b@example.com"]}, "/owners/0"),
            ({"zones": []}, "/zones"),
            ({"zones": ["Packing", "packing"]}, "/zones"),
            ({"zones": ["a/b"]}, "/zones/0"),
            ({"tags": None}, "/tags"),
        ],
    )
    async def test_refuses_fields_that_are_none(
        self, world: World, plan: str, fields: dict[str, object], pointer: str
    ) -> None:
        refused = await put(world, plan, "Hall", **fields)
        assert (refused.status, refused.code) == (422, "InvalidRequest")
        assert pointer in [error["pointer"] for error in refused.json["errors"]]

    async def test_with_a_version_that_nothing_has_makes_nothing(self, world: World, plan: str) -> None:
        refused = await world.admin.plans.put(
            address(plan, "Hall"), {"display_name": "Hall", "site_size": "L"}, headers={"If-Match": '"1-a"'}
        )
        assert refused.code == "PreconditionFailed"

    async def test_more_than_there_are_licenses_is_refused_however_many_ask_at_once(
        self, world: World, plan: str
    ) -> None:
        answers = await asyncio.gather(*(put(world, plan, f"Hall {number}") for number in range(20)))
        assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 17
        listed = (await world.admin.plans.get(address(plan))).json["items"]
        assert [one["entitled"] for one in listed] == [True] * 3

    async def test_of_one_name_at_once_makes_one(self, world: World, plan: str) -> None:
        names = ["Hall", "HALL", "hall"] * 3
        answers = await asyncio.gather(*(put(world, plan, name) for name in names))
        assert sorted(answer.status for answer in answers) == [200] * 8 + [201]
        assert len((await world.admin.plans.get(address(plan))).json["items"]) == 1

    async def test_counts_the_sites_of_all_subscriptions_together(self, world: World, plan: str) -> None:
        other = await world.link()
        await world.add_plan(other)
        for subscription, name in ((plan, "a"), (other, "a"), (other, "b")):
            assert (await put(world, subscription, name)).status == 201
        assert (await put(world, plan, "c")).code == "SiteSizeNotLicensed"
        preview = await world.admin.plans.post(f"/v1/subscriptions/{plan}/plan/preview")
        assert [(size["quantity"], size["used"]) for size in preview.json["licensed_sites"]] == [(3, 3)]


class TestChanging:
    async def test_keeps_what_is_not_named_and_has_one_event_a_version(self, world: World, plan: str) -> None:
        before = (await put(world, plan, "Hall", tags={"line": "4"})).json
        async with world.expects("site.changed") as heard:
            changed = await patch(world, plan, "hall", display_name="The hall")
        assert changed.json == before | {"display_name": "The hall", "version": 2}
        [told] = heard
        assert (told.data["changed"], told.data["previous"]) == (["display_name"], {"display_name": "Hall"})

    async def test_to_what_is_so_already_changes_nothing(self, world: World, plan: str) -> None:
        before = (await put(world, plan, "Hall", tags={"line": "4"})).json
        async with world.expects():
            assert (await patch(world, plan, "Hall", tags={"line": "4"})).json == before
            assert (await put(world, plan, "HALL", display_name="Hall")).json == before

    async def test_by_put_answers_200(self, world: World, plan: str) -> None:
        await put(world, plan, "Hall", tags={"line": "4"})
        changed = await put(world, plan, "Hall", display_name="The hall")
        assert (changed.status, changed.json["tags"], changed.json["version"]) == (200, {"line": "4"}, 2)

    async def test_needs_the_version_that_is_meant(self, world: World, plan: str) -> None:
        made = await put(world, plan, "Hall")
        body = {"display_name": "The hall"}
        missing = await world.admin.plans.send("PATCH", address(plan, "Hall"), body)
        assert (missing.status, missing.code) == (428, "PreconditionRequired")
        assert (await patch(world, plan, "Hall", made.etag, **body)).status == 200
        stale = await patch(world, plan, "Hall", made.etag, display_name="Another")
        assert (stale.status, stale.code) == (412, "PreconditionFailed")

    async def test_the_size_needs_a_license_of_that_size(self, world: World, plan: str) -> None:
        await put(world, plan, "Hall")
        refused = await patch(world, plan, "Hall", site_size="XL")
        assert (refused.status, refused.code) == (409, "SiteSizeNotLicensed")
        license = await buy(world, "OT_SITE_XL")
        async with world.expects("site.changed"):
            changed = (await patch(world, plan, "Hall", site_size="XL")).json
        assert (changed["site_size"], changed["max_devices"], changed["license_id"]) == ("XL", 5000, license)

    async def test_the_size_never_takes_the_license_of_another_site(self, world: World, plan: str) -> None:
        await buy(world, "OT_SITE_XL")
        await put(world, plan, "the older one")
        younger = (await put(world, plan, "the younger one", site_size="XL")).json
        refused = await patch(world, plan, "the older one", site_size="XL")
        assert (refused.status, refused.code) == (409, "SiteSizeNotLicensed")
        assert await site(world, plan, "the younger one") == younger

    async def test_the_size_leaves_the_license_to_a_site_that_waits(self, world: World, plan: str) -> None:
        single = await buy(world, "OT_SITE_S")
        await buy(world, "OT_SITE_XL")
        await put(world, plan, "one", site_size="S")
        other = await buy(world, "OT_SITE_S")
        await put(world, plan, "two", site_size="S")
        await cancel(world, other)
        assert not (await site(world, plan, "two"))["entitled"]
        async with world.expects("site.changed", "site.entitlement_changed"):
            await patch(world, plan, "one", site_size="XL")
        waiting = await site(world, plan, "two")
        assert (waiting["entitled"], waiting["license_id"]) == (True, single)

    async def test_of_zones_that_sensors_are_in_is_refused_by_their_names(
        self, world: World, plan: str
    ) -> None:
        await put(world, plan, "Hall", zones=["Default", "Packing"])
        await add_sensor(world, plan, "cam", "Hall", "Packing")
        refused = await patch(world, plan, "Hall", zones=["Default"])
        assert (refused.status, refused.code, refused.json["sensors"]) == (
            409,
            "SensorsStillRegistered",
            ["cam"],
        )
        assert (await patch(world, plan, "Hall", zones=["PACKING", "New"])).json["zones"] == [
            "PACKING",
            "New",
        ]


class TestDeleting:
    async def test_frees_its_license(self, world: World, plan: str) -> None:
        for name in ("a", "b", "c"):
            await put(world, plan, name)
        async with world.expects("site.entitlement_changed") as heard:
            assert (await delete(world, plan, "A")).status == 204
        [told] = heard
        assert told.data["site"]["entitled"] is None
        assert told.data["previous"] == {
            "entitled": True,
            "license_id": (await site(world, plan, "b"))["license_id"],
        }
        assert (await world.admin.plans.get(address(plan, "a"))).code == "SiteNotFound"
        assert (await put(world, plan, "d")).status == 201

    async def test_what_is_not_there_is_done_already(self, world: World, plan: str) -> None:
        async with world.expects():
            assert (await delete(world, plan, "nothing")).status == 204

    async def test_and_making_anew_goes_on_with_its_versions(self, world: World, plan: str) -> None:
        await put(world, plan, "Hall", tags={"line": "4"})
        await delete(world, plan, "Hall")
        again = (await put(world, plan, "HALL")).json
        assert (again["version"], again["tags"]) == (3, {})

    async def test_and_making_anew_in_another_case_keeps_the_spelling(self, world: World, plan: str) -> None:
        async with world.expects(*["site.entitlement_changed"] * 3, "site.changed") as heard:
            await put(world, plan, "Hall")
            await delete(world, plan, "hall")
            again = await put(world, plan, "HALL")
            await put(world, plan, "HALL", tags={"line": "4"})
        assert (again.status, again.json["name"]) == (201, "Hall")
        assert [(one.envelope.subject, one.envelope.aggregateversion) for one in heard] == [
            (f"site/{plan}/Hall", version) for version in (1, 2, 3, 4)
        ]
        audited = (await world.admin.plans.get(f"/v1/subscriptions/{plan}/audit-events")).json["items"]
        assert len([one for one in audited if one["resource"] == f"site/{plan}/Hall"]) == 4

    async def test_with_sensors_is_refused_by_their_names(self, world: World, plan: str) -> None:
        await put(world, plan, "Hall")
        for name in ("b", "a"):
            await add_sensor(world, plan, name, "Hall")
        refused = await delete(world, plan, "Hall")
        assert (refused.status, refused.code, refused.json["sensors"]) == (
            409,
            "SensorsStillRegistered",
            ["a", "b"],
        )
        assert (await site(world, plan, "Hall"))["version"] == 1


class TestReading:
    async def test_lists_by_name_whatever_the_case_page_by_page(self, world: World, plan: str) -> None:
        await buy(world, "OT_SITE_L", 2)
        for name in ("b", "C", "a", "D", "e"):
            await put(world, plan, name)
        names, path = [], address(plan) + "?limit=2"
        while path:
            page = (await world.admin.plans.get(path)).json
            names += [one["name"] for one in page["items"]]
            cursor = page.get("next_cursor")
            path = f"{address(plan)}?limit=2&cursor={cursor}" if cursor else ""
        assert names == ["a", "b", "C", "D", "e"]

    async def test_is_audited_by_whom_and_from_what_to_what(self, world: World, plan: str) -> None:
        made = (await put(world, plan, "Hall")).json
        changed = (await patch(world, plan, "Hall", display_name="The hall")).json
        await delete(world, plan, "Hall")
        events = (await world.admin.plans.get(f"/v1/subscriptions/{plan}/audit-events")).json["items"]
        sites = [event for event in events if event["resource"] == f"site/{plan}/Hall"]
        assert [(one["action"], one["actor"], one["before"], one["after"]) for one in sites] == [
            ("site.made", "ada@example.com", None, made),
            ("site.changed", "ada@example.com", made, changed),
            ("site.deleted", "ada@example.com", changed, {}),
        ]

    async def test_another_tenants_sites_are_none(self, world: World, plan: str) -> None:
        await put(world, plan, "Hall")
        stranger = World(world.services)
        for method, path in (
            ("GET", address(plan)),
            ("GET", address(plan, "Hall")),
            ("PUT", address(plan, "Hall")),
            ("PATCH", address(plan, "Hall")),
            ("DELETE", address(plan, "Hall")),
        ):
            foreign = await stranger.admin.plans.send(method, path, {} if method != "GET" else None)
            unknown = await stranger.admin.plans.send(
                method, path.replace(plan, str(uuid4())), {} if method != "GET" else None
            )
            assert (foreign.status, foreign.code) == (unknown.status, unknown.code)
            assert (foreign.status, foreign.code) == (404, "SubscriptionNotFound")
