"""Sites with sensors, and what these report."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import orjson

from services.plans.commands.devices_idle import devices_due, sweep_devices
from services.plans.store import device_counts
from tests.support.service_calls import Answer, Caller
from tests.support.world import World

_SITE_ID: Final = "SELECT id FROM plans.sites WHERE subscription_id = $1 AND name = $2"


@dataclass(frozen=True, slots=True)
class Site:
    """A site of a subscription, with sensors `<name> 1` and `<name> 2` in one zone and `<name> 3` in another."""

    world: World
    subscription: str
    name: str
    id: UUID

    async def report(self, *devices: dict[str, Any], sensor: int = 1, caller: Caller | None = None) -> Any:
        """Report devices; the answer of the api."""
        answer = await self.send({"devices": list(devices)}, sensor=sensor, caller=caller)
        assert answer.status == 200, answer
        return answer.json

    async def send(
        self, body: Any, *, sensor: int = 1, caller: Caller | None = None, key: str | None = None
    ) -> Answer:
        path = f"/v1/subscriptions/{self.subscription}/sensors/{self.name} {sensor}/device-observations"
        return await (caller or self.world.admin).plans.post(path, body, key=key)

    async def count(self, now: datetime) -> int:
        """Devices that the store says the site has."""
        async with self.world.services.plans.read(self.world.tenant) as session:
            return (await device_counts.of_sites(session, [self.id], now=now)).get(self.id, 0)


async def a_site(world: World, subscription: str, name: str = "Press", size: str | None = "L") -> Site:
    """A site on a license of that size that is bought for it; None: of a legacy plan."""
    if size is not None:
        await world.buy(f"OT_SITE_{size}")
        await world.quiet()
    await world.add_site(subscription, name, size)
    path = f"/v1/subscriptions/{subscription}/sites/{name}"
    etag = (await world.admin.plans.get(path)).etag
    zoned = await world.admin.plans.send(
        "PATCH", path, {"zones": ["Default", "Line 2"]}, headers={"If-Match": etag}
    )
    assert zoned.status == 200, zoned
    for number, zone in enumerate(("Default", "Default", "Line 2"), start=1):
        made = await world.admin.plans.put(
            f"/v1/subscriptions/{subscription}/sensors/{name} {number}",
            {"site": name, "zone": zone, "type": "ot", "management": "cloud"},
        )
        assert made.status == 201, made
    return Site(
        world, subscription, name, await world.services.owner.fetchval(_SITE_ID, UUID(subscription), name)
    )


def a_device(place: int, when: str, **fields: object) -> dict[str, Any]:
    """The device at that place of a plant, as a sensor saw it."""
    third, fourth = divmod(place, 250)
    return {
        "ip": f"10.20.{third}.{fourth}",
        "mac": f"00:1b:1b:0a:{third:02x}:{fourth:02x}",
        "kind": "ot",
        "last_seen": when,
    } | fields


async def pass_time(world: World, now: datetime) -> int:
    """Do what time does to the devices of the tenant by `now`; how many steps it took."""
    steps = 0
    while True:
        async with world.services.plans.begin(world.tenant) as session:
            due_at = await device_counts.next_due(session)
            if due_at is not None and due_at <= now:
                await devices_due(session, due_at)
            elif not await sweep_devices(session, now):
                return steps
        steps += 1


def as_json(*devices: dict[str, Any]) -> bytes:
    return orjson.dumps({"devices": devices})
