"""Who sees which notice, and is each raised once and cleared once?"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid4

import pytest

from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.notice import Notice
from tests.support.service_calls import Caller
from tests.support.world import World

AT: Final = datetime(2027, 3, 1, 9, 30, tzinfo=UTC)
ABOUT_LICENSES: Final = ("LicenseExpiring", "OrphanedLicense", "TrialEnding")


def about(resource: str, code: str, subscription: str | None = None) -> Notice:
    return Notice(code, resource, None if subscription is None else UUID(subscription), "Look.", "/v1/here")


async def settle(world: World, resources: Sequence[str], *wanted: Notice, at: datetime = AT) -> None:
    async with world.services.plans.begin(world.tenant) as session:
        await settle_notices(session, about=resources, wanted=wanted, at=at)


async def raise_all(world: World, *wanted: Notice) -> None:
    await settle(world, [one.resource for one in wanted], *wanted)


async def seen(caller: Caller, query: str = "") -> list[str]:
    """The codes of what they see, in order of the alphabet."""
    answer = await caller.plans.get(f"/v1/notices{query}")
    assert answer.status == 200, answer
    return sorted(one["code"] for one in answer.json["items"])


async def with_role(world: World, subscription: str, role: str = "Reader") -> Caller:
    """Somebody with that role on the subscription, and no directory role."""
    caller = world.caller(f"{uuid4()}@example.com", roles=())
    given = await world.admin.plans.put(
        f"/v1/subscriptions/{subscription}/role-assignments/{caller.principal.id}", {"role": role}
    )
    assert given.status == 201, given
    return caller


async def test_a_notice_is_raised_once_and_cleared_once(world: World) -> None:
    subscription = await world.link()
    wanted = about(f"site/{subscription}/Press", "SiteOverSize", subscription)
    later = datetime(2027, 3, 5, tzinfo=UTC)
    async with world.expects("notice.raised", "notice.cleared") as heard:
        await raise_all(world, wanted)
        await raise_all(world, wanted)
        await settle(world, [wanted.resource], at=later)
        await settle(world, [wanted.resource], at=later)
    raised, cleared = sorted(heard, key=lambda one: one.envelope.aggregateversion)
    assert (raised.name, raised.envelope.aggregateversion, raised.envelope.time) == ("notice.raised", 1, AT)
    assert (cleared.name, cleared.envelope.aggregateversion, cleared.envelope.time) == (
        "notice.cleared",
        2,
        later,
    )
    assert raised.envelope.partitionkey == cleared.envelope.partitionkey == subscription
    assert raised.envelope.subject == f"notice/{raised.state['id']}"
    assert raised.state == cleared.state
    assert raised.state["severity"] == "warning"


async def test_of_what_belongs_to_no_subscription_the_tenant_is_the_key(world: World) -> None:
    async with world.expects("notice.raised") as heard:
        await raise_all(world, about("license/one", "LicenseExpiring"))
    assert heard[0].envelope.partitionkey == str(world.tenant)


async def test_a_cause_that_comes_again_is_a_new_notice(world: World) -> None:
    wanted = about("license/one", "LicenseExpiring")
    async with (
        world.expects("notice.raised", "notice.cleared", "notice.raised") as heard,
        world.services.plans.begin(world.tenant) as session,
    ):
        for asked in ([wanted], [], [wanted]):
            await settle_notices(session, about=[wanted.resource], wanted=asked, at=AT)
    assert len({one.state["id"] for one in heard}) == 2
    assert await seen(world.admin) == ["LicenseExpiring"]


async def test_codes_of_others_are_left_alone(world: World) -> None:
    expiring, orphaned = (about("license/one", code) for code in ("LicenseExpiring", "OrphanedLicense"))
    await raise_all(world, expiring, orphaned)
    async with world.services.plans.begin(world.tenant) as session:
        await settle_notices(session, about=["license/one"], wanted=[], at=AT, codes={"OrphanedLicense"})
    assert await seen(world.admin) == ["LicenseExpiring"]


async def test_what_is_wanted_elsewhere_is_a_mistake(world: World) -> None:
    wanted = about("license/one", "LicenseExpiring")
    with pytest.raises(ValueError, match="license/one"):
        await settle(world, ["license/two"], wanted)


async def test_directory_readers_see_licenses_and_roles_see_what_is_theirs(world: World) -> None:
    with_plan: str = (await world.a_plan())["subscription_id"]
    without = await world.link()
    await raise_all(
        world,
        *(about(f"license/{code}", code) for code in ABOUT_LICENSES),
        about(f"site/{with_plan}/Press", "SiteOverSize", with_plan),
        about(f"sensor/{without}/North", "SensorReactivationRequired", without),
    )
    for role in ("GlobalAdministrator", "BillingAdministrator", "LicenseAdministrator", "GlobalReader"):
        caller = world.caller("reader@example.com", roles=[role])
        assert await seen(caller) == sorted(ABOUT_LICENSES), role
    for role in ("Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader"):
        assert await seen(await with_role(world, with_plan, role)) == ["LicenseExpiring", "SiteOverSize"]
    assert await seen(await with_role(world, without)) == ["SensorReactivationRequired"]
    assert await seen(world.admin) == sorted([*ABOUT_LICENSES, "SensorReactivationRequired", "SiteOverSize"])
    for nobody in (
        world.caller("bob@example.com", roles=()),
        World(world.services).caller("eve@example.com"),
    ):
        assert await seen(nobody) == []


async def test_one_subscription_can_be_asked_for_by_who_has_a_role_on_it(world: World) -> None:
    one, other = await world.link(), await world.link()
    await raise_all(
        world,
        about("license/one", "LicenseExpiring"),
        about(f"plan/{one}", "OrphanedPlan", one),
        about(f"plan/{other}", "ServiceInGrace", other),
    )
    assert await seen(world.admin, f"?subscription_id={one}") == ["OrphanedPlan"]
    bob = world.caller("bob@example.com")
    for subscription in (one, uuid4()):
        answer = await bob.plans.get(f"/v1/notices?subscription_id={subscription}")
        assert (answer.status, answer.code) == (404, "SubscriptionNotFound")
    answer = await bob.plans.get("/v1/notices?subscription_id=x")
    assert (answer.status, answer.code) == (422, "InvalidRequest")


async def test_a_console_s_file_is_told_of_to_whom_it_covers(world: World) -> None:
    covered, other = (await world.a_plan())["subscription_id"], await world.link()
    made = await world.admin.plans.post("/v1/console-activation-files", {"subscription_ids": [covered]})
    assert made.status == 201, made
    await raise_all(world, about(f"console-activation-file/{made.json['id']}", "ConsoleFileSuperseded"))
    assert await seen(await with_role(world, covered)) == ["ConsoleFileSuperseded"]
    assert await seen(await with_role(world, other)) == []
    assert await seen(world.admin, f"?subscription_id={covered}") == ["ConsoleFileSuperseded"]
    assert await seen(world.admin, f"?subscription_id={other}") == []
    assert await seen(world.caller("billing@example.com", roles=["BillingAdministrator"])) == []


async def _consoles(world: World, *subscriptions: str) -> str:
    """Issue a file for these; what a notice about it is about."""
    made = await world.admin.plans.post(
        "/v1/console-activation-files", {"subscription_ids": list(subscriptions)}
    )
    assert made.status == 201, made
    return f"console-activation-file/{made.json['id']}"


async def _superseded(world: World) -> list[str]:
    items = (await world.admin.plans.get("/v1/notices")).json["items"]
    return [one["resource"] for one in items if one["code"] == "ConsoleFileSuperseded"]


async def _end(world: World, subscription: str, at: str) -> None:
    cancelled = await world.admin.plans.post(f"/v1/subscriptions/{subscription}/plan/cancel", {"agree": True})
    assert cancelled.status == 202, cancelled
    await world.advance(at)
    await world.quiet()


async def test_a_console_s_file_is_replaced_by_one_for_what_has_a_plan_still(world: World) -> None:
    await world.sandbox("2027-06-01T00:00:00Z")
    one, other, ended = [(await world.a_plan())["subscription_id"] for _ in range(3)]
    all_three = await _consoles(world, one, other, ended)
    await _end(world, ended, "2027-06-01T01:00:00Z")
    assert await _superseded(world) == [all_three]
    await _consoles(world, one)
    assert await _superseded(world) == [all_three]
    async with world.expects("notice.cleared") as heard:
        await _consoles(world, other, one)
    assert heard[0].state["resource"] == all_three
    assert await _superseded(world) == []


async def test_a_console_s_file_is_told_of_no_longer_once_nothing_of_it_has_a_plan(world: World) -> None:
    await world.sandbox("2027-06-01T00:00:00Z")
    first, second, kept = [(await world.a_plan())["subscription_id"] for _ in range(3)]
    both, with_kept = await _consoles(world, first, second), await _consoles(world, second, kept)
    alone = await _consoles(world, second)
    await _end(world, first, "2027-06-01T01:00:00Z")
    assert await _superseded(world) == [both]
    await _end(world, second, "2027-06-01T02:00:00Z")
    assert await _superseded(world) == [with_kept]
    raised = {one.state["resource"] for one in world.heard("notice.raised")}
    assert both in raised
    assert alone not in raised


async def test_a_long_list_comes_in_pages(world: World) -> None:
    await raise_all(world, *(about(f"license/{number}", "LicenseExpiring") for number in range(5)))
    resources: list[str] = []
    path: str | None = "/v1/notices?limit=2"
    while path is not None:
        page: Any = (await world.admin.plans.get(path)).json
        assert len(page["items"]) <= 2
        resources += [one["resource"] for one in page["items"]]
        cursor = page.get("next_cursor")
        path = None if cursor is None else f"/v1/notices?limit=2&cursor={cursor}"
    assert resources == [f"license/{number}" for number in range(5)]


async def test_the_end_of_a_license_is_told_a_month_before_and_no_longer_once_it_renews(
    world: World,
) -> None:
    await world.sandbox("2027-01-10T09:30:00Z")
    license = await world.buy("OT_SITE_L", auto_renew=False)
    await world.quiet()
    plan = await world.add_plan(await world.link())
    await world.advance("2027-12-10T23:59:59Z")
    async with world.expects("license.expiring", "notice.raised") as heard:
        await world.advance("2027-12-12T00:00:00Z")
    (told,) = (one for one in heard if one.name == "notice.raised")
    assert told.envelope.time == datetime(2027, 12, 11, tzinfo=UTC)
    reader = await with_role(world, plan["subscription_id"])
    (notice,) = (await reader.plans.get("/v1/notices")).json["items"]
    assert notice == told.state
    assert (notice["code"], notice["severity"]) == ("LicenseExpiring", "warning")
    assert (notice["resource"], notice["since"]) == (f"license/{license['id']}", "2027-12-11T00:00:00Z")
    assert notice["link"] == f"/v1/licenses/{license['id']}"
    etag = (await world.admin.licensing.get(notice["link"])).etag
    async with world.expects("license.auto_renew_changed", "notice.cleared"):
        renewed = await world.admin.licensing.send(
            "PATCH", notice["link"], {"auto_renew": True}, headers={"If-Match": etag}
        )
        assert renewed.status == 200, renewed
    assert await seen(reader) == []
