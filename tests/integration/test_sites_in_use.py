"""Does licensing know how many sites use a license, whatever the events of sites do on their way?"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
from aiokafka import ConsumerRecord

from services.licensing.handlers.site_changed import site_changed
from shared.events.plans import SiteChanged, SiteEntitlementChanged, SiteEvent
from shared.events.state import SiteState
from shared.ids import new_id
from shared.kafka.consumer import Setbacks, apply
from tests.support.histories import History, Told, a_record, record
from tests.support.running import Services
from tests.support.world import World

LICENSES: Final = "/v1/licenses"
NOON: Final = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Site:
    """One site from its making on; each word makes its next event, a minute after the last."""

    def __init__(self, tenant: UUID, name: str = "Press", *, subscription: UUID | None = None) -> None:
        self.tenant = tenant
        self.subscription = subscription or uuid4()
        self.name = name
        self.version = 0

    def uses(self, license_id: UUID | None, *, kind: type[SiteEvent] = SiteEntitlementChanged) -> Told:
        return self._told(kind, license_id, entitled=license_id is not None)

    def deleted(self) -> Told:
        return self._told(SiteEntitlementChanged, None, entitled=None)

    def _told(self, kind: type[SiteEvent], license_id: UUID | None, *, entitled: bool | None) -> Told:
        self.version += 1
        state = SiteState(
            name=self.name,
            display_name=self.name,
            site_size="L",
            max_devices=1000,
            detected_devices=0,
            entitled=entitled,
            license_id=license_id,
            tags={},
            owners=(),
            zones=("Default",),
            version=self.version,
        )
        event = kind(site=state, changed=("license_id",), previous={})
        envelope = event.envelope(
            subscription_id=self.subscription,
            tenant_id=self.tenant,
            time=NOON + timedelta(minutes=self.version),
        )
        return Told(envelope, event)


class Licensing:
    """Licensing's side of the event path for one tenant, fed by hand."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.tenant = uuid4()

    async def apply(self, *told: Told | ConsumerRecord) -> int:
        """Apply them as one batch; how many were parked."""
        records = [record(one) if isinstance(one, Told) else one for one in told]
        return await apply(self.services.licensing, records, SiteEvent, site_changed, Setbacks())

    async def assigned(self, license_id: UUID) -> int | None:
        count: int | None = await self.services.owner.fetchval(
            "SELECT assigned FROM licensing.assignments WHERE license_id = $1", license_id
        )
        return count

    async def as_of(self, license_id: UUID) -> datetime | None:
        moment: datetime | None = await self.services.owner.fetchval(
            "SELECT as_of FROM licensing.assignments WHERE license_id = $1", license_id
        )
        return moment

    async def rows(self) -> dict[str, int]:
        return await self.services.rows(self.tenant)


@pytest.fixture
def licensing(idle: Services) -> Licensing:
    return Licensing(idle)


async def test_sites_are_counted_by_the_license_that_covers_them(licensing: Licensing) -> None:
    one, two = new_id(), new_id()
    sites = [Site(licensing.tenant, name) for name in ("Press", "Mill", "Dock")]
    told = [site.uses(license_id) for site, license_id in zip(sites, (one, one, two), strict=True)]
    assert await licensing.apply(*told) == 0
    assert (await licensing.assigned(one), await licensing.assigned(two)) == (2, 1)
    assert await licensing.apply(sites[0].uses(two, kind=SiteChanged)) == 0
    assert (await licensing.assigned(one), await licensing.assigned(two)) == (1, 2)
    assert await licensing.apply(sites[0].uses(None), sites[1].deleted()) == 0
    assert (await licensing.assigned(one), await licensing.assigned(two)) == (0, 1)
    assert await licensing.as_of(two) == NOON + timedelta(minutes=3)


async def test_a_site_that_never_had_a_license_counts_for_none(licensing: Licensing) -> None:
    assert await licensing.apply(Site(licensing.tenant).uses(None)) == 0
    assert "licensing.assignments" not in await licensing.rows()


async def test_a_whole_life_in_one_batch_comes_to_the_same_as_event_by_event(licensing: Licensing) -> None:
    one, two = new_id(), new_id()
    for together in (True, False):
        site = Site(licensing.tenant)
        told = [site.uses(one), site.uses(two), site.uses(one), site.deleted(), site.uses(two)]
        for batch in [told] if together else [[event] for event in told]:
            assert await licensing.apply(*batch) == 0
    assert (await licensing.assigned(one), await licensing.assigned(two)) == (0, 2)


async def test_an_event_has_its_effect_once(licensing: Licensing) -> None:
    license_id = new_id()
    site = Site(licensing.tenant)
    made = site.uses(license_id)
    for again in (made, made, made.once_more()):
        assert await licensing.apply(again, again) == 0
    assert await licensing.assigned(license_id) == 1
    gone = site.deleted()
    assert await licensing.apply(gone, made.once_more()) == 0
    assert await licensing.assigned(license_id) == 0
    assert await licensing.apply(made.once_more()) == 0
    assert await licensing.assigned(license_id) == 0


async def test_an_event_that_leaves_a_gap_is_parked_until_the_missing_one_is_there(
    licensing: Licensing,
) -> None:
    license_id = new_id()
    site, other = Site(licensing.tenant), Site(licensing.tenant, "Mill")
    made, changed, gone = site.uses(license_id), site.uses(license_id, kind=SiteChanged), site.deleted()
    assert await licensing.apply(made, gone, other.uses(license_id)) == 1
    assert await licensing.assigned(license_id) == 2
    reason = await licensing.services.owner.fetchval(
        "SELECT reason FROM licensing.parked_events WHERE key = $1", gone.key.decode()
    )
    assert "VersionGap" in reason
    assert await licensing.apply(changed, gone) == 0
    assert await licensing.assigned(license_id) == 1


async def test_a_site_is_the_same_in_whatever_case_and_another_on_another_subscription(
    licensing: Licensing,
) -> None:
    license_id = new_id()
    site = Site(licensing.tenant, "Press")
    await licensing.apply(site.uses(license_id), site.deleted())
    site.name = "PRESS"
    assert await licensing.apply(site.uses(license_id)) == 0
    assert await licensing.apply(Site(licensing.tenant, "press").uses(license_id)) == 0
    assert await licensing.assigned(license_id) == 2
    assert (await licensing.rows())["licensing.sites"] == 2


async def test_all_other_events_are_let_pass_unread(licensing: Licensing) -> None:
    (bought,) = History(licensing.tenant).events
    unreadable = a_record(bought.key, b"{", bought.envelope.headers())
    assert await licensing.apply(record(bought), unreadable) == 0
    assert await licensing.rows() == {}
    license_id = new_id()
    assert await licensing.apply(unreadable, Site(licensing.tenant).uses(license_id), unreadable) == 0
    assert await licensing.assigned(license_id) == 1
    assert (await licensing.rows())["licensing.inbox"] == 1


async def test_a_site_event_that_cannot_be_read_is_parked(licensing: Licensing) -> None:
    told = Site(licensing.tenant).uses(new_id())
    assert await licensing.apply(a_record(told.key, b"{", told.envelope.headers())) == 1


async def test_of_many_tenants_in_one_batch_each_has_its_own(licensing: Licensing) -> None:
    mine, theirs, stranger = new_id(), new_id(), uuid4()
    assert (
        await licensing.apply(
            Site(licensing.tenant).uses(mine), Site(stranger).uses(theirs), Site(licensing.tenant).uses(mine)
        )
        == 0
    )
    assert (await licensing.assigned(mine), await licensing.assigned(theirs)) == (2, 1)
    assert (await licensing.services.rows(stranger))["licensing.sites"] == 1


async def held(world: World) -> Any:
    """The tenant's only license."""
    (license,) = (await world.admin.licensing.get(LICENSES)).json["items"]
    return license


async def consumed(world: World) -> int:
    (item,) = (await world.admin.licensing.get("/v1/license-summary")).json["items"]
    count: int = item["consumed"]
    return count


async def sites_of_a_new_plan(world: World, *names: str, licenses: int = 2) -> str:
    """The subscription, once licensing knows of these sites, each of which uses one of so many licenses."""
    subscription: str = (await world.a_plan(sites=licenses))["subscription_id"]
    for name in names:
        await world.add_site(subscription, name)
    await world.quiet()
    return subscription


async def test_a_site_made_and_deleted_is_seen_at_its_license_which_stays_the_same_version(
    world: World,
) -> None:
    subscription = await sites_of_a_new_plan(world, "Press")
    used = await held(world)
    read = await world.admin.licensing.get(f"{LICENSES}/{used['id']}")
    assert read.json == used
    assert (used["assigned"], await consumed(world)) == (1, 1)
    (made,) = world.heard("site.entitlement_changed")
    assert datetime.fromisoformat(used["assigned_as_of"]) == made.envelope.time
    known = {"If-None-Match": read.etag}
    assert (await world.admin.licensing.get(f"{LICENSES}/{used['id']}", headers=known)).status == 304

    async with world.expects("site.entitlement_changed"):
        await world.admin.plans.send("DELETE", f"/v1/subscriptions/{subscription}/sites/Press")
    free = await held(world)
    assert (free["assigned"], await consumed(world)) == (0, 0)
    assert free["version"] == used["version"] == 1
    later = await world.admin.licensing.get(f"{LICENSES}/{used['id']}", headers=known)
    assert later.status == 200
    assert later.etag != read.etag


async def test_what_is_read_before_a_site_was_made_can_still_be_changed(world: World) -> None:
    subscription = (await world.a_plan(sites=2))["subscription_id"]
    before = await world.admin.licensing.get(f"{LICENSES}/{(await held(world))['id']}")
    await world.add_site(subscription, "Press")
    await world.quiet()
    changed = await world.admin.licensing.send(
        "PATCH", f"{LICENSES}/{before.json['id']}", {"quantity": 3}, headers={"If-Match": before.etag}
    )
    assert (changed.status, changed.json["assigned"]) == (200, 1)


async def test_the_event_of_a_license_tells_how_many_sites_used_it_then(world: World) -> None:
    await sites_of_a_new_plan(world, "Press")
    license = await held(world)
    async with world.expects("license.auto_renew_changed") as heard:
        await world.admin.licensing.send(
            "PATCH", f"{LICENSES}/{license['id']}", {"auto_renew": False}, headers={"If-Match": '"1-x"'}
        )
    (told,) = heard
    assert told.state["assigned"] == 1
    assert told.data["changed"] == ["auto_renew"]


async def test_below_its_sites_a_license_is_reduced_neither_now_nor_at_its_renewal(world: World) -> None:
    await world.sandbox("2026-03-01T09:30:00Z")
    subscription = await sites_of_a_new_plan(world, "Press", "Mill", licenses=3)
    license = await held(world)
    path = f"{LICENSES}/{license['id']}"

    async def attempt(wish: Any, version: int = 1) -> tuple[int, str | None]:
        answer = await world.admin.licensing.send("PATCH", path, wish, headers={"If-Match": f'"{version}-x"'})
        return answer.status, answer.code

    async with world.expects():
        assert await attempt({"quantity": 1}) == (409, "LicenseInUse")
        assert await attempt({"renewal": {"quantity": 1}}) == (409, "LicenseInUse")
        assert await attempt({"quantity": 1}, version=2) == (412, "PreconditionFailed")  # which comes first
    await world.advance("2026-04-01T00:00:00Z")
    async with world.expects("license.change_scheduled"):
        assert await attempt({"quantity": 1}) == (409, "LicenseInUse")  # it would have to wait
        assert await attempt({"quantity": 2}) == (200, None)

    async with world.expects("site.entitlement_changed"):
        await world.admin.plans.send("DELETE", f"/v1/subscriptions/{subscription}/sites/Mill")
    assert await attempt({"renewal": {"quantity": 1}}, version=2) == (200, None)


async def test_what_may_be_done_follows_from_the_sites(world: World) -> None:
    await sites_of_a_new_plan(world, "Press", licenses=1)
    codes = {one["action"]: one["reason_code"] for one in (await held(world))["allowed_actions"]}
    assert codes["reduce_quantity"] == "InvalidRequest"  # there is one
    assert codes["cancel"] is None
    another = World(world.services)
    await sites_of_a_new_plan(another, "Press", "Mill")
    actions = {one["action"]: one for one in (await held(another))["allowed_actions"]}
    assert actions["reduce_quantity"]["reason_code"] == "LicenseInUse"
    assert actions["add_quantity"]["allowed"]


async def test_a_cancel_is_not_refused_and_leaves_no_site_at_the_license_where_others_are_active(
    world: World,
) -> None:
    await sites_of_a_new_plan(world, "Press", licenses=1)
    first = await held(world)
    await world.buy("OT_SITE_L")
    await world.quiet()
    await world.cancel(first["id"])
    await world.quiet()
    items = (await world.admin.licensing.get(LICENSES)).json["items"]
    assert [(one["status"], one["assigned"]) for one in items] == [("disabled", 0), ("active", 1)]
    assert await consumed(world) == 1
