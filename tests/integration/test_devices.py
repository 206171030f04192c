"""Are devices counted as sensors report them, and does a count that is too high make a notice and nothing worse?"""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from services.plans.commands.count_notices import settle_count_notices
from services.plans.commands.forget_devices import forget_devices
from services.plans.store import device_counts
from tests.support.legacy_plans import import_plan
from tests.support.sensing import Site, a_device, a_site, as_json, pass_time
from tests.support.world import World

START: Final = "2026-03-01T09:30:00Z"
NOW: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
DAY: Final = timedelta(days=1)
MOMENT: Final = timedelta(microseconds=1)


@pytest.fixture
async def site(world: World) -> Site:
    """A large site, whose tenant's clock stands still."""
    return await _site(world, "L")


async def _site(world: World, size: str) -> Site:
    await world.sandbox(START)
    return await a_site(world, (await world.a_plan())["subscription_id"], size=size)


async def _legacy(world: World, committed: int) -> str:
    """A subscription whose plan commits to that many devices."""
    await world.sandbox(START)
    subscription = await import_plan(world, committed_devices=committed)
    await world.quiet()
    return subscription


async def _move(site: Site, to: datetime) -> int:
    """Let that moment come; how many steps it took."""
    await site.world.move_clock(to.isoformat())
    return await pass_time(site.world, to)


async def _notices(world: World) -> list[tuple[str, str, datetime, datetime | None]]:
    """Code, resource, since when and until when; only those on the number of devices."""
    rows = await world.services.owner.fetch(
        "SELECT code, resource, since, cleared_at FROM plans.notices WHERE tenant_id = $1"
        " AND code IN ('SiteOverSize', 'CommittedDevicesExceeded') ORDER BY since, resource",
        world.tenant,
    )
    return [(row["code"], row["resource"], row["since"], row["cleared_at"]) for row in rows]


def devices(*places: int, when: datetime = NOW, **fields: object) -> list[dict[str, Any]]:
    return [a_device(place, when.isoformat(), **fields) for place in places]


class TestAReport:
    async def test_says_what_was_taken_and_what_was_not_and_why(self, site: Site) -> None:
        answer = await site.report(
            *devices(1, 2),
            *devices(3, managed=True),
            a_device(4, START, ip="8.8.8.8"),
            a_device(5, START, mac="01:00:5e:00:00:01"),
            a_device(6, START, ip="255.255.255.255"),
            *devices(7, when=NOW + timedelta(minutes=6)),
        )
        assert answer == {
            "accepted": 2,
            "ignored": [
                {"index": 2, "reason": "managed"},
                {"index": 3, "reason": "public"},
                {"index": 4, "reason": "multicast"},
                {"index": 5, "reason": "broadcast"},
                {"index": 6, "reason": "in_future"},
            ],
            "detected_devices": 2,
        }

    async def test_counts_an_address_once_whatever_its_spelling(self, site: Site) -> None:
        spellings = [
            {"ip": "10.20.0.7", "mac": "00:1b:1b:0a:33:f1"},
            {"ip": "::ffff:10.20.0.7", "mac": "00-1B-1B-0A-33-F1"},
            {"ip": "10.20.0.7", "mac": "001b.1b0a.33f1"},
        ]
        for spelling in spellings:
            answer = await site.report(a_device(7, START) | spelling)
        assert answer["detected_devices"] == 1

    async def test_by_two_sensors_of_a_zone_is_of_the_same_devices_and_in_another_zone_of_others(
        self, site: Site
    ) -> None:
        assert (await site.report(*devices(1, 2), sensor=1))["detected_devices"] == 2
        assert (await site.report(*devices(2, 3), sensor=2))["detected_devices"] == 3
        assert (await site.report(*devices(1, 2, 3), sensor=3))["detected_devices"] == 6

    async def test_of_other_sites_adds_to_the_subscription_and_not_to_the_site(self, site: Site) -> None:
        other = await a_site(site.world, site.subscription, "Mill")
        await site.report(*devices(1, 2))
        assert (await other.report(*devices(1)))["detected_devices"] == 3
        assert (await site.count(NOW), await other.count(NOW)) == (2, 1)

    async def test_with_a_key_takes_in_what_was_seen_without(self, site: Site) -> None:
        await site.report(*devices(1, 2, 3))
        assert (await site.report(*devices(1, 2, device_key="chassis")))["detected_devices"] == 2
        assert (await site.report(*devices(1, 2, 3), sensor=2))["detected_devices"] == 2

    async def test_older_than_what_is_known_takes_nothing_away(self, site: Site) -> None:
        await site.report(*devices(1))
        await site.report(*devices(1, when=NOW - 59 * DAY), sensor=2)
        assert await site.count(NOW + 60 * DAY) == 1

    async def test_is_audited_with_its_numbers_and_makes_no_event(self, site: Site) -> None:
        async with site.world.expects():
            await site.report(*devices(1, 2), *devices(3, managed=True))
        audit = await site.world.admin.plans.get(f"/v1/subscriptions/{site.subscription}/audit-events")
        last = audit.json["items"][-1]
        assert (last["action"], last["resource"], last["actor"]) == (
            "devices.observed",
            f"sensor/{site.subscription}/Press 1",
            "ada@example.com",
        )
        assert last["after"] == {"accepted": 2, "ignored": 1, "detected_devices": 2}

    async def test_is_answered_once_for_one_key(self, site: Site) -> None:
        first = await site.send({"devices": devices(1)}, key="one")
        again = await site.send({"devices": devices(1)}, key="one")
        assert (again.replayed, again.json) == (True, first.json)

    async def test_of_many_devices_at_once_by_two_sensors_counts_each_once(self, site: Site) -> None:
        reports = [
            site.report(*devices(*range(start, start + 400)), sensor=1 + start // 200 % 2)
            for start in range(0, 2000, 200)
        ]
        await asyncio.gather(*reports)
        assert await site.count(NOW) == 2200

    async def test_at_once_about_the_same_devices_with_and_without_keys_comes_to_one_count(
        self, site: Site
    ) -> None:
        plain = devices(*range(300))
        keyed = [device | {"device_key": f"host {place // 3}"} for place, device in enumerate(plain)]
        await asyncio.gather(
            *(site.report(*(keyed if turn % 2 else plain), sensor=1 + turn % 2) for turn in range(6))
        )
        assert await site.count(NOW) == 100


class TestWhatIsRefused:
    async def test_a_sensor_that_is_not_there(self, site: Site) -> None:
        for sensor in ("nobody", "Press%0023", "%00", "x" * 300):
            answer = await site.world.admin.plans.post(
                f"/v1/subscriptions/{site.subscription}/sensors/{sensor}/device-observations",
                {"devices": devices(1)},
            )
            assert (answer.status, answer.code) == (404, "SensorNotFound")

    async def test_a_name_is_known_in_any_case(self, site: Site) -> None:
        path = f"/v1/subscriptions/{site.subscription}/sensors/PRESS 1/device-observations"
        assert (await site.world.admin.plans.post(path, {"devices": devices(1)})).status == 200

    async def test_strangers_and_readers(self, site: Site) -> None:
        bob = site.world.caller("bob@example.com")
        assert (await site.send({"devices": devices(1)}, caller=bob)).status == 404
        await site.world.services.owner.execute(
            "INSERT INTO plans.role_assignments (subscription_id, principal, tenant_id, role, version)"
            " VALUES ($1, 'bob@example.com', $2, 'SecurityReader', 1)",
            UUID(site.subscription),
            site.world.tenant,
        )
        assert (await site.send({"devices": devices(1)}, caller=bob)).code == "AuthorizationFailed"

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            ({}, "/devices"),
            ({"devices": []}, "/devices"),
            ({"devices": devices(*range(5001))}, "/devices"),
            ({"devices": [a_device(1, START, ip="10.20.0.300")]}, "/devices/0/ip"),
            ({"devices": [a_device(1, START, ip="")]}, "/devices/0/ip"),
            ({"devices": [a_device(1, START, ip="10.0.0.1\x00")]}, "/devices/0/ip"),
            ({"devices": [a_device(1, START), a_device(1, START, mac="00:1b")]}, "/devices/1/mac"),
            ({"devices": [a_device(1, START, ip=None, mac=None)]}, "/devices/0"),
            ({"devices": [a_device(1, START, kind="toaster")]}, "/devices/0/kind"),
            ({"devices": [a_device(1, "2026-03-01")]}, "/devices/0/last_seen"),
            ({"devices": [a_device(1, "2026-03-01T09:30:00")]}, "/devices/0/last_seen"),
            ({"devices": [a_device(1, START, last_seen=1_772_357_400)]}, "/devices/0/last_seen"),
            ({"devices": [a_device(1, "0001-01-01T00:00:00+14:00")]}, "/devices/0/last_seen"),
            ({"devices": [a_device(1, START, device_key="")]}, "/devices/0/device_key"),
            ({"devices": [a_device(1, START, device_key="\x00")]}, "/devices/0/device_key"),
            ({"devices": [a_device(1, START, device_key="k" * 201)]}, "/devices/0/device_key"),
            ({"devices": [a_device(1, START, managed="yes")]}, "/devices/0/managed"),
            ({"devices": [a_device(1, START, vlan=7)]}, "/devices/0/vlan"),
            ({"devices": [1]}, "/devices/0"),
            ({"devices": {}}, "/devices"),
        ],
    )
    async def test_what_is_malformed_is_pointed_at(self, site: Site, body: Any, pointer: str) -> None:
        answer = await site.send(body)
        assert (answer.status, answer.code) == (422, "InvalidRequest")
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
        assert await site.count(NOW) == 0

    async def test_thousands_of_faults_are_not_all_told(self, site: Site) -> None:
        answer = await site.send({"devices": [a_device(1, "then", ip="", mac="")] * 5000})
        assert answer.status == 422
        assert len(answer.json["errors"]) == 100

    async def test_a_body_over_4_mib(self, site: Site) -> None:
        small = as_json(*devices(1))
        assert (await site.send(small + b" " * (4 * 1024 * 1024 - len(small)))).status == 200
        assert (await site.send(small + b" " * (4 * 1024 * 1024 - len(small) + 1))).status == 413

    async def test_what_a_database_might_trip_over_is_counted(self, site: Site) -> None:
        answer = await site.report(
            *devices(1, device_key="é ' \" \\ ; -- 💡 {} %s"),
            *devices(2, when=datetime(1, 1, 1, tzinfo=UTC)),
            *devices(3, when=NOW + timedelta(minutes=5)),
            *devices(4, device_key="k" * 200),
        )
        assert (answer["accepted"], answer["detected_devices"]) == (4, 3)


class TestTime:
    @pytest.mark.parametrize(
        ("kind", "days"), [("ot", 60), ("enterprise_iot", 30), ("it", 60), ("network", 60)]
    )
    async def test_a_device_counts_through_its_last_moment(self, site: Site, kind: str, days: int) -> None:
        await site.report(*devices(1, kind=kind))
        for moment, expected in ((days * DAY, 1), (days * DAY + timedelta(seconds=1), 0)):
            await _move(site, NOW + moment)
            assert await site.count(NOW + moment) == expected
            ignored = await site.report(a_device(2, START, managed=True))
            assert ignored["detected_devices"] == expected

    async def test_a_device_that_is_idle_when_it_is_reported_is_accepted_and_not_counted(
        self, site: Site
    ) -> None:
        answer = await site.report(*devices(1, when=NOW - 60 * DAY), *devices(2, when=NOW - 61 * DAY))
        assert (answer["accepted"], answer["detected_devices"]) == (2, 1)

    async def test_a_device_comes_back_when_it_is_seen_again(self, site: Site) -> None:
        await site.report(*devices(1))
        later = NOW + 90 * DAY
        await _move(site, later)
        assert (await site.report(*devices(2, when=later)))["detected_devices"] == 1
        assert (await site.report(*devices(1, when=later)))["detected_devices"] == 2

    @pytest.mark.parametrize(
        "unset", ["0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000001Z", "1970-01-01T00:00:00Z"]
    )
    async def test_a_device_whose_clock_was_never_set_is_accepted_and_harms_no_report_to_come(
        self, site: Site, unset: str
    ) -> None:
        for _ in range(2):
            answer = await site.report(a_device(1, unset), *devices(2))
            assert (answer["accepted"], answer["detected_devices"]) == (2, 1)
        assert (await site.report(*devices(1)))["detected_devices"] == 2

    async def test_what_is_idle_leaves_the_sum_in_few_steps(self, site: Site) -> None:
        for turn in range(5):
            await site.report(*devices(*range(turn * 5000, (turn + 1) * 5000)))
        assert await site.count(NOW) == 25_000
        assert await site.count(NOW + 61 * DAY) == 0
        steps = await _move(site, NOW + 365 * DAY)
        # Two of them for the notice; 10,000 devices a step.
        assert steps <= 6
        summed = await site.world.services.owner.fetchrow(
            "SELECT counted, sweep_at, due_at FROM plans.device_counts WHERE site_id = $1", site.id
        )
        assert tuple(summed) == (0, None, None)


class TestANotice:
    async def test_is_raised_above_the_size_and_cleared_at_it(self, world: World) -> None:
        site = await _site(world, "XS")
        async with world.expects():
            await site.report(*devices(*range(100)))
        async with world.expects("notice.raised") as heard:
            await site.report(*devices(100))
        raised = heard[0].state
        assert (raised["code"], raised["resource"]) == ("SiteOverSize", f"site/{site.subscription}/Press")
        async with world.expects():
            await site.report(*devices(*range(100, 200)))
        async with world.expects("notice.cleared"):
            await site.report(*(device | {"device_key": "rack"} for device in devices(*range(110, 200))))
            await site.report(*(device | {"device_key": "rack"} for device in devices(*range(99, 111))))

    async def test_goes_by_time_alone_at_the_very_moment(self, world: World) -> None:
        site = await _site(world, "XS")
        await site.report(*devices(*range(99)))
        await site.report(
            *devices(200, when=NOW - 10 * DAY), *devices(201, when=NOW - 5 * DAY), *devices(202)
        )
        assert await _notices(world) == [("SiteOverSize", f"site/{site.subscription}/Press", NOW, None)]
        await _move(site, NOW + 55 * DAY)
        assert (await _notices(world))[0][3] is None
        await _move(site, NOW + 55 * DAY + timedelta(seconds=1))
        assert (await _notices(world))[0][3] == NOW + 55 * DAY + MOMENT

    async def test_that_a_later_report_has_put_off_goes_later(self, world: World) -> None:
        site = await _site(world, "XS")
        await site.report(*devices(*range(101)))
        seen_again = NOW + 20 * DAY
        await _move(site, seen_again)
        await site.report(*devices(*range(101), when=seen_again), sensor=2)
        steps = await _move(site, NOW + 70 * DAY)
        assert steps <= 3
        assert (await _notices(world))[0][3] is None
        await _move(site, NOW + 200 * DAY)
        assert (await _notices(world))[0][3] == seen_again + 60 * DAY + MOMENT

    async def test_that_a_change_of_kind_brings_forward_goes_earlier(self, world: World) -> None:
        site = await _site(world, "XS")
        await site.report(*devices(*range(101)))
        await site.report(*devices(7, when=NOW + timedelta(minutes=1), kind="enterprise_iot"))
        await _move(site, NOW + 365 * DAY)
        assert (await _notices(world))[0][3] == NOW + 30 * DAY + timedelta(minutes=1) + MOMENT

    async def test_that_had_gone_before_a_report_is_raised_anew_by_it(self, world: World) -> None:
        """Also where the scheduler is behind."""
        site = await _site(world, "XS")
        await site.report(*devices(*range(101)))
        later = NOW + 100 * DAY
        await world.move_clock(later.isoformat())
        await site.report(*devices(*range(101), when=later))
        resource = f"site/{site.subscription}/Press"
        assert await _notices(world) == [
            ("SiteOverSize", resource, NOW, NOW + 60 * DAY + MOMENT),
            ("SiteOverSize", resource, later, None),
        ]

    async def test_goes_when_the_site_has_a_larger_size(self, world: World) -> None:
        site = await _site(world, "XS")
        await site.report(*devices(*range(101)))
        await world.buy("OT_SITE_S")
        await world.quiet()
        path = f"/v1/subscriptions/{site.subscription}/sites/Press"
        for size, event in (("S", "notice.cleared"), ("XS", "notice.raised")):
            etag = (await world.admin.plans.get(path)).etag
            async with world.expects("site.changed", event):
                changed = await world.admin.plans.send(
                    "PATCH", path, {"site_size": size}, headers={"If-Match": etag}
                )
            assert changed.json["detected_devices"] == 101

    async def test_names_the_larger_sizes_of_an_xl_site(self, world: World) -> None:
        site = await _site(world, "XL")
        await site.report(*devices(*range(5000)))
        async with world.expects("notice.raised") as heard:
            answer = await site.report(*devices(5000))
        assert answer["detected_devices"] == 5001
        assert "2XL and 3XL" in heard[0].state["text"]


class TestAWarning:
    """Of too many devices, which a sensor shows as the portal does (B52)."""

    async def test_of_its_site_s_size_is_shown_by_every_sensor_of_that_site_alone(self, world: World) -> None:
        site = await _site(world, "XS")
        other = await a_site(world, site.subscription, "Mill", size="S")
        assert await _shown_by_sensors(other) == {}
        await site.report(*devices(*range(101)))
        shown = {f"Press {number}": ["SiteOverSize"] for number in (1, 2, 3)}
        async with world.expects():
            assert await _shown_by_sensors(site) == shown
        path = f"/v1/subscriptions/{site.subscription}/sensors"
        one = await world.admin.plans.get(f"{path}/Press 1")
        assert one.json["notices"] == ["SiteOverSize"]
        async with world.expects("sensor.changed") as heard:
            moved = await world.admin.plans.send(
                "PATCH", f"{path}/Press 1", {"zone": "Line 2"}, headers={"If-Match": one.etag}
            )
        assert moved.json["notices"] == ["SiteOverSize"]
        # An event tells what the sensor's version tells, and a count that moves makes no version.
        assert heard[0].state == moved.json | {"notices": []}
        put = await world.admin.plans.put(f"{path}/Press 1", {"site": "Press"})
        made = await world.admin.plans.put(f"{path}/Press 4", {"site": "Press"})
        assert (put.json["notices"], made.json["notices"]) == (["SiteOverSize"], ["SiteOverSize"])
        file = {"file": made.json["activation_file"]["file"]}
        active = await world.admin.plans.post(f"{path}/Press 4/activate", file)
        assert active.json["notices"] == ["SiteOverSize"]
        elsewhere = await world.admin.plans.send(
            "PATCH", f"{path}/Press 4", {"site": "Mill"}, headers={"If-Match": active.etag}
        )
        assert elsewhere.json["notices"] == ["SensorReactivationRequired"]
        back = await world.admin.plans.put(f"{path}/Press 4", {"site": "Press"})
        assert back.json["notices"] == ["SensorReactivationRequired", "SiteOverSize"]

    async def test_of_its_plan_s_commitment_is_shown_by_every_sensor_and_goes_with_its_cause(
        self, world: World
    ) -> None:
        subscription = await _legacy(world, 100)
        press, mill = [await a_site(world, subscription, name, size=None) for name in ("Press", "Mill")]
        await press.report(*devices(*range(100)))
        assert await _shown_by_sensors(press) == {}
        await press.report(*devices(100))
        assert await _shown_by_sensors(mill) == {
            f"{site.name} {number}": ["CommittedDevicesExceeded"]
            for site in (press, mill)
            for number in (1, 2, 3)
        }
        etag = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/sensors/Mill 1")).etag
        await _move(press, NOW + 61 * DAY)
        assert await _shown_by_sensors(mill) == {}
        gone = await world.admin.plans.get(f"/v1/subscriptions/{subscription}/sensors/Mill 1")
        assert gone.etag != etag


async def _shown_by_sensors(site: Site) -> dict[str, list[str]]:
    """Of the site's subscription: the notices in the list of its sensors, by sensor, where there is one."""
    listed = await site.world.admin.plans.get(f"/v1/subscriptions/{site.subscription}/sensors")
    return {one["name"]: one["notices"] for one in listed.json["items"] if one["notices"]}


class TestALegacyPlan:
    async def test_is_warned_above_its_commitment_over_all_sites(self, world: World) -> None:
        subscription = await _legacy(world, 100)
        press, mill = [await a_site(world, subscription, name, size=None) for name in ("Press", "Mill")]
        async with world.expects():
            await press.report(*devices(*range(60)))
            await mill.report(*devices(*range(40)))
        async with world.expects("notice.raised") as heard:
            await mill.report(*devices(40))
        raised = heard[0].state
        assert (raised["code"], raised["resource"]) == ("CommittedDevicesExceeded", f"plan/{subscription}")
        assert raised["link"] == f"/v1/subscriptions/{subscription}/plan"

    async def test_is_warned_where_two_sites_exceed_it_together_at_once(self, world: World) -> None:
        subscription = await _legacy(world, 100)
        places = [await a_site(world, subscription, f"Site {number}", size=None) for number in range(4)]
        await asyncio.gather(*(site.report(*devices(*range(30))) for site in places))
        assert [one[:2] for one in await _notices(world)] == [
            ("CommittedDevicesExceeded", f"plan/{subscription}")
        ]

    async def test_is_warned_no_longer_once_time_or_an_edit_or_a_deletion_has_helped(
        self, world: World
    ) -> None:
        subscription = await _legacy(world, 100)
        press, mill = [await a_site(world, subscription, name, size=None) for name in ("Press", "Mill")]
        await press.report(*devices(*range(100)))
        await mill.report(*devices(*range(2), when=NOW - 10 * DAY))
        await _move(press, NOW + 50 * DAY + timedelta(seconds=1))
        assert [one[3] for one in await _notices(world)] == [NOW + 50 * DAY + MOMENT]
        now = NOW + 50 * DAY + timedelta(seconds=1)
        await mill.report(*devices(0, when=now))
        assert len(await _notices(world)) == 2
        async with world.services.plans.begin(world.tenant) as session:
            await forget_devices(session, [mill.id])
            await settle_count_notices(session, UUID(subscription), [mill.id], at=now)
        assert [one[3] is None for one in await _notices(world)] == [False, False]

    async def test_is_warned_no_longer_once_a_site_is_deleted(self, world: World) -> None:
        subscription = await _legacy(world, 100)
        press, mill = [await a_site(world, subscription, name, size=None) for name in ("Press", "Mill")]
        await press.report(*devices(*range(60)))
        await mill.report(*devices(*range(60)))
        for sensor in (1, 2, 3):
            path = f"/v1/subscriptions/{subscription}/sensors/Press {sensor}"
            assert (await world.admin.plans.send("DELETE", path)).status == 204
        async with world.expects("notice.cleared", "site.entitlement_changed"):
            path = f"/v1/subscriptions/{subscription}/sites/Press"
            assert (await world.admin.plans.send("DELETE", path)).status == 204
        async with world.expects():
            assert (await mill.report(*devices(*range(60, 100))))["detected_devices"] == 100
        async with world.expects("notice.raised"):
            await mill.report(*devices(100))


class TestForgotten:
    async def test_devices_are_not_counted_at_once_and_deleted_soon(self, site: Site) -> None:
        await site.report(*devices(*range(50)), *devices(60, device_key="host"))
        async with site.world.services.plans.begin(site.world.tenant) as session:
            await forget_devices(session, [site.id])
        assert await site.count(NOW) == 0
        await pass_time(site.world, NOW)
        left = await site.world.rows()
        assert not {"plans.devices", "plans.device_addresses", "plans.device_counts"} & set(left)

    async def test_a_site_that_is_still_there_counts_anew(self, site: Site) -> None:
        await site.report(*devices(*range(50)))
        async with site.world.services.plans.begin(site.world.tenant) as session:
            await forget_devices(session, [site.id])
        assert (await site.report(*devices(1)))["detected_devices"] == 1
        await pass_time(site.world, NOW)
        assert await site.count(NOW) == 1
        assert (await site.world.rows())["plans.devices"] == 1

    async def test_nothing_is_counted_where_nothing_was_reported(self, site: Site) -> None:
        subscription = UUID(site.subscription)
        async with site.world.services.plans.read(site.world.tenant) as session:
            assert await device_counts.of_subscriptions(session, [subscription], now=NOW) == {subscription: 0}
            assert await device_counts.of_sites(session, [], now=NOW) == {}
