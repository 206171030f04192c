"""What may sites do as licenses come and go and time passes, and who is told?"""

import asyncio
import random
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from services.plans.handlers.license_changed import license_changed
from shared.events.licensing import LicenseEvent
from shared.kafka.consumer import Setbacks, apply
from tests.support.histories import History, Told, record
from tests.support.world import World

START: Final = "2026-03-01T09:30:00Z"
Plan = str


@pytest.fixture
async def sandbox(world: World) -> World:
    """A tenant whose clock stands still until it is moved."""
    await world.sandbox(START)
    return world


async def buy(world: World, sku: str = "OT_SITE_L", quantity: int = 1, **order: object) -> str:
    """Buy licenses; the id, once plans has heard of them."""
    bought: str = (await world.buy(sku, quantity, **order))["id"]
    await world.quiet()
    return bought


async def cancel(world: World, license_id: str) -> None:
    await world.cancel(license_id)
    await world.quiet()


async def add_plan(world: World) -> Plan:
    subscription = await world.link()
    await world.add_plan(subscription)
    return subscription


async def told(world: World, subscription: Plan) -> Any:
    answer = await world.admin.plans.get(f"/v1/subscriptions/{subscription}/entitlements")
    assert answer.status == 200, answer
    return answer.json


async def codes(world: World, subscription: Plan) -> dict[str, str]:
    """By site."""
    return {one["site"]: one["code"] for one in (await told(world, subscription))["sites"]}


async def notices(world: World) -> list[str]:
    """The codes of the tenant's open notices."""
    rows = await world.services.owner.fetch(
        "SELECT code FROM plans.notices WHERE tenant_id = $1 AND cleared_at IS NULL ORDER BY code",
        world.tenant,
    )
    return [row["code"] for row in rows]


async def check(world: World, *checks: tuple[str, str], **who: Any) -> list[dict[str, Any]]:
    asked = [{"subscription_id": subscription, "site": site} for subscription, site in checks]
    answer = await world.caller(**who).plans.post("/v1/entitlement-checks", {"checks": asked})
    assert answer.status == 200, answer
    results: list[dict[str, Any]] = answer.json["results"]
    return results


class TestChecks:
    async def test_say_of_each_site_what_it_may_do_in_the_order_asked(self, world: World) -> None:
        license = await buy(world, "OT_SITE_L", 1)
        plan, without = await add_plan(world), await world.link()
        await world.add_site(plan, "Hall 1")
        unknown = str(uuid4())
        found = await check(
            world, (plan, "nowhere"), (plan, "HALL 1"), (without, "Hall 1"), (unknown, "a"), (plan, "HALL 1")
        )
        assert [one["code"] for one in found] == ["NOT_FOUND", "VALID", "NO_PLAN", "NOT_FOUND", "VALID"]
        assert found[1] == {
            "subscription_id": plan,
            "site": "HALL 1",
            "entitled": True,
            "code": "VALID",
            "site_size": "L",
            "max_devices": 1000,
            "detected_devices": 0,
            "license_id": license,
            "as_of": (await world.plan(plan))["as_of"],
        }
        assert [one["entitled"] for one in found] == [False, True, False, False, True]

    async def test_tell_a_colleague_without_a_role_nothing(self, world: World) -> None:
        await buy(world)
        plan = await add_plan(world)
        await world.add_site(plan)
        [found] = await check(world, (plan, "Press"), principal="bob@example.com")
        assert (found["code"], found["entitled"], found["license_id"]) == ("NOT_FOUND", False, None)

    async def test_tell_another_tenant_nothing(self, world: World) -> None:
        await buy(world)
        plan = await add_plan(world)
        await world.add_site(plan)
        [found] = await check(World(world.services), (plan, "Press"))
        assert (found["code"], found["entitled"]) == ("NOT_FOUND", False)

    async def test_at_once_by_many_callers_of_many_tenants_each_get_their_own_answers(
        self, world: World
    ) -> None:
        worlds = [world, World(world.services), World(world.services)]
        await worlds[0].sandbox(START)
        for one in worlds:
            await buy(one)
        plans = [await add_plan(one) for one in worlds]
        for one, plan in zip(worlds, plans, strict=True):
            await one.add_site(plan)
        asked = [(plan, "Press") for plan in plans]
        places = [*range(len(worlds))] * 20
        answers = await asyncio.gather(*(check(worlds[place], *asked) for place in places))
        for place, found in zip(places, answers, strict=True):
            own = [index == place for index in range(len(worlds))]
            assert [one["entitled"] for one in found] == own
            assert [one["code"] for one in found] == ["VALID" if mine else "NOT_FOUND" for mine in own]
        assert {found[0]["as_of"] for place, found in zip(places, answers, strict=True) if place == 0} == {
            START
        }

    async def test_are_as_many_as_500_and_not_more(self, world: World) -> None:
        subscription = await world.link()
        assert len(await check(world, *[(subscription, "a")] * 500)) == 500
        too_many = {"checks": [{"subscription_id": subscription, "site": "a"}] * 501}
        none: dict[str, object] = {"checks": []}
        for body in (too_many, none):
            refused = await world.admin.plans.post("/v1/entitlement-checks", body)
            assert (refused.status, refused.code) == (422, "InvalidRequest")

    async def test_leave_nothing_behind(self, world: World) -> None:
        subscription = await world.link()
        await world.quiet()
        before = await world.rows()
        body = {"checks": [{"subscription_id": subscription, "site": "a"}]}
        for _ in range(2):
            answer = await world.admin.plans.post("/v1/entitlement-checks", body, key="one")
            assert (answer.status, answer.replayed) == (200, False)
        assert await world.rows() == before

    async def test_more_devices_than_the_size_is_for_take_nothing_away(self, world: World) -> None:
        await buy(world, "OT_SITE_XS")
        plan = await add_plan(world)
        await world.add_site(plan, "Hall", "XS")
        await world.services.owner.execute(
            "UPDATE plans.device_counts SET counted = 101 WHERE subscription_id = $1", UUID(plan)
        )
        [found] = await check(world, (plan, "Hall"))
        assert (found["code"], found["entitled"], found["detected_devices"]) == ("OVER_SIZE", True, 101)


class TestLicensesThatGo:
    async def test_by_a_cancel_leave_the_youngest_site_without_at_once(self, sandbox: World) -> None:
        first, second = await buy(sandbox), await buy(sandbox)
        plan = await add_plan(sandbox)
        for name in ("a", "b"):
            await sandbox.add_site(plan, name)
        # The oldest license goes: the oldest site takes the other one.
        async with sandbox.expects(
            "license.cancelled",
            "plan.price_plan_changed",
            "site.changed",
            "site.entitlement_changed",
            "notice.raised",
        ) as heard:
            await cancel(sandbox, first)
        moved, lost = (one for one in heard if one.name.startswith("site."))
        assert (moved.data["changed"], moved.data["previous"]) == (["license_id"], {"license_id": first})
        assert lost.data["previous"] == {"entitled": True, "license_id": second}
        assert await codes(sandbox, plan) == {"a": "VALID", "b": "UNLICENSED_SITE"}
        assert await notices(sandbox) == ["UnlicensedSites"]
        assert (await told(sandbox, plan))["service_state"] == "running"

    async def test_come_back_with_the_next_purchase(self, sandbox: World) -> None:
        first, _ = await buy(sandbox), await buy(sandbox)
        plan = await add_plan(sandbox)
        for name in ("a", "b"):
            await sandbox.add_site(plan, name)
        await cancel(sandbox, first)
        license = await buy(sandbox)
        sites = (await told(sandbox, plan))["sites"]
        assert [(one["code"], one["license_id"] == license) for one in sites] == [
            ("VALID", False),
            ("VALID", True),
        ]
        assert await notices(sandbox) == []

    async def test_by_their_term_leave_their_sites_in_grace_beside_others(self, sandbox: World) -> None:
        await buy(sandbox, auto_renew=False)
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "old")
        await sandbox.advance("2026-03-10T00:00:00Z")
        await buy(sandbox)
        await sandbox.add_site(plan, "new")
        await sandbox.advance("2027-02-28T23:59:59Z")
        assert await codes(sandbox, plan) == {"new": "VALID", "old": "VALID"}
        assert await notices(sandbox) == ["LicenseExpiring"]
        async with sandbox.expects("license.expired", "plan.price_plan_changed", "statement.closed"):
            await sandbox.advance("2027-03-01T00:00:00Z")
        assert await codes(sandbox, plan) == {"new": "VALID", "old": "IN_GRACE"}
        assert await notices(sandbox) == []
        # No new site on a license that has ended (B22).
        refused = await sandbox.admin.plans.put(
            f"/v1/subscriptions/{plan}/sites/newer", {"display_name": "newer", "site_size": "L"}
        )
        assert refused.code == "SiteSizeNotLicensed"
        await sandbox.advance("2027-03-30T23:59:59Z")
        assert (await codes(sandbox, plan))["old"] == "IN_GRACE"
        # Then the oldest site has the license that is left, and the youngest none.
        await sandbox.advance("2027-03-31T00:00:00Z")
        assert await codes(sandbox, plan) == {"new": "UNLICENSED_SITE", "old": "VALID"}
        assert await notices(sandbox) == ["UnlicensedSites"]

    @pytest.mark.parametrize("seed", range(4))
    async def test_in_whatever_order_and_however_often_it_is_heard_give_the_same_entitlements(
        self, idle_world: World, seed: int
    ) -> None:
        chance = random.Random(seed)  # noqa: S311 -- chance, not secrecy
        tenant, database = idle_world.tenant, idle_world.services.plans
        lives = [
            History(tenant, "L", 2),
            History(tenant, "L", 1).grown_to(3),
            History(tenant, "L", 2).cancelled(),
            History(tenant, "XS", 1),
            History(tenant, "L", 1).grown_to(2).cancelled(),
        ]
        waiting = [list(life.events) for life in lives]
        await apply(
            database, [record(life.pop(0)) for life in waiting], LicenseEvent, license_changed, Setbacks()
        )
        plan = await add_plan(idle_world)
        for name in "abcdef":
            await idle_world.add_site(plan, name)
        order: list[Told] = []
        while any(waiting):
            order.append(chance.choice([life for life in waiting if life]).pop(0))
            order.extend(one.once_more() for one in chance.sample(order, chance.randint(0, 1)))
        while order:
            size = chance.randint(1, 3)
            await apply(
                database, [record(one) for one in order[:size]], LicenseEvent, license_changed, Setbacks()
            )
            order = order[size:]
        first, second = str(lives[0].license_id), str(lives[1].license_id)
        sites = (await told(idle_world, plan))["sites"]
        assert [(one["code"], one["license_id"]) for one in sites] == [
            *[("VALID", first)] * 2,
            *[("VALID", second)] * 3,
            ("UNLICENSED_SITE", None),
        ]


class TestTheServiceOfATenantWithoutALicense:
    async def test_goes_on_for_30_days_and_its_data_for_another_90(self, sandbox: World) -> None:
        license = await buy(sandbox)
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "Hall")
        await sandbox.services.owner.execute(
            "UPDATE plans.device_counts SET counted = 7 WHERE subscription_id = $1", UUID(plan)
        )
        async with sandbox.expects("license.cancelled", "plan.price_plan_changed"):
            await cancel(sandbox, license)
        assert await codes(sandbox, plan) == {"Hall": "IN_GRACE"}
        assert await notices(sandbox) == ["OrphanedPlan", "ServiceInGrace"]
        await sandbox.advance("2026-03-31T09:29:59Z")
        assert await codes(sandbox, plan) == {"Hall": "IN_GRACE"}
        async with sandbox.expects("site.entitlement_changed", "statement.closed") as heard:
            await sandbox.advance("2026-04-15T00:00:00Z")
        [stopped] = (one for one in heard if one.name == "site.entitlement_changed")
        assert stopped.envelope.time.isoformat() == "2026-03-31T09:30:00+00:00"
        shown = await told(sandbox, plan)
        assert (shown["service_state"], shown["sites"][0]["code"]) == ("stopped", "SERVICE_STOPPED")
        assert await notices(sandbox) == ["OrphanedPlan", "ServiceStopped"]
        assert shown["sites"][0]["detected_devices"] == 7
        await sandbox.advance("2026-06-29T09:29:59Z")
        assert (await told(sandbox, plan))["sites"][0]["detected_devices"] == 7
        await sandbox.advance("2026-06-29T09:30:00Z")
        shown = await told(sandbox, plan)
        assert (shown["service_state"], shown["sites"][0]["detected_devices"]) == ("purged", 0)

    async def test_comes_back_with_a_license(self, sandbox: World) -> None:
        license = await buy(sandbox)
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "Hall")
        await cancel(sandbox, license)
        await sandbox.advance("2026-05-01T00:00:00Z")
        async with sandbox.expects(
            "license.purchased", "plan.price_plan_changed", "site.entitlement_changed"
        ):
            again = await buy(sandbox)
        shown = await told(sandbox, plan)
        assert (shown["service_state"], shown["sites"][0]["code"]) == ("running", "VALID")
        assert shown["sites"][0]["license_id"] == again
        assert await notices(sandbox) == []
        # What was due does not happen any more.
        await sandbox.advance("2026-08-01T00:00:00Z")
        assert await codes(sandbox, plan) == {"Hall": "VALID"}

    async def test_is_stopped_and_purged_though_its_licenses_are_deleted_at_that_very_moment(
        self, sandbox: World
    ) -> None:
        await buy(sandbox, auto_renew=False)
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "Hall")
        await sandbox.services.owner.execute(
            "UPDATE plans.device_counts SET counted = 7 WHERE subscription_id = $1", UUID(plan)
        )
        # The term ends on 2027-03-01; the license is disabled after 30 days and deleted after another 90.
        await sandbox.advance("2027-06-29T00:00:00Z")
        shown = await told(sandbox, plan)
        assert (shown["service_state"], shown["sites"][0]["code"]) == ("purged", "SERVICE_STOPPED")
        assert shown["sites"][0]["detected_devices"] == 0

    async def test_counts_a_cancelled_license_as_expired_for_its_own_30_days(self, sandbox: World) -> None:
        first = await buy(sandbox)
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "L")
        second = await buy(sandbox, "OT_SITE_XS")
        await sandbox.add_site(plan, "XS", "XS")
        await cancel(sandbox, first)
        assert await codes(sandbox, plan) == {"L": "UNLICENSED_SITE", "XS": "VALID"}
        await sandbox.advance("2026-03-06T09:30:00Z")
        await cancel(sandbox, second)
        assert await codes(sandbox, plan) == {"L": "IN_GRACE", "XS": "IN_GRACE"}
        await sandbox.advance("2026-03-31T09:30:00Z")
        assert await codes(sandbox, plan) == {"L": "UNLICENSED_SITE", "XS": "IN_GRACE"}
        await sandbox.advance("2026-04-05T09:30:00Z")
        assert await codes(sandbox, plan) == {"L": "SERVICE_STOPPED", "XS": "SERVICE_STOPPED"}


class TestNotices:
    async def test_tell_of_a_license_that_no_plan_uses_until_one_does(self, sandbox: World) -> None:
        async with sandbox.expects("license.purchased", "notice.raised"):
            await buy(sandbox)
        assert await notices(sandbox) == ["OrphanedLicense"]
        subscription = await sandbox.link()
        async with sandbox.expects("plan.added", "notice.cleared"):
            await sandbox.add_plan(subscription)
        assert await notices(sandbox) == []
        async with sandbox.expects("license.purchased", "plan.price_plan_changed"):
            await buy(sandbox)
        assert await notices(sandbox) == []

    async def test_of_an_end_that_is_near_go_once_it_is_renewed_after_all(self, sandbox: World) -> None:
        license = await buy(sandbox, auto_renew=False)
        await add_plan(sandbox)
        await sandbox.advance("2027-01-30T00:00:00Z")
        assert await notices(sandbox) == ["LicenseExpiring"]
        found = await sandbox.admin.licensing.get(f"/v1/licenses/{license}")
        on = await sandbox.admin.licensing.send(
            "PATCH", f"/v1/licenses/{license}", {"auto_renew": True}, headers={"If-Match": found.etag}
        )
        assert on.status == 200
        await sandbox.quiet()
        assert await notices(sandbox) == []

    async def test_of_a_trial_that_ends_have_a_code_of_their_own(self, sandbox: World) -> None:
        trial = await sandbox.admin.licensing.post("/v1/licenses", {"sku": "OT_SITE_TRIAL_L", "quantity": 1})
        assert trial.status == 201
        await sandbox.quiet()
        plan = await add_plan(sandbox)
        await sandbox.add_site(plan, "Hall")
        await sandbox.advance("2026-04-20T00:00:00Z")
        assert await notices(sandbox) == ["TrialEnding"]
        await sandbox.advance("2026-04-30T00:00:00Z")
        assert await codes(sandbox, plan) == {"Hall": "IN_GRACE"}
        assert await notices(sandbox) == ["OrphanedPlan", "ServiceInGrace"]
