"""Whom do the contract tests ask for: a tenant that has something of everything, and strangers to it."""

from dataclasses import dataclass, replace
from http.client import HTTPConnection
from typing import Any, Final, Self
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import orjson

from shared.clock import wall_clock
from shared.identity import Principal
from tests.support.running import ADMINISTRATOR, Services
from tests.support.service_calls import token
from tests.support.world import World

_PATIENCE: Final = 30


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By name in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Inhabited:
    """A tenant with a license, a subscription with a plan, and one without."""

    urls: dict[str, str]
    """Of each service."""
    tenant: UUID
    license_id: str
    with_plan: str
    without_plan: str

    @property
    def owner(self) -> Principal:
        """Who may do everything here."""
        return Principal("ada@example.com", self.tenant, ADMINISTRATOR, frozenset({"siteward.operator"}))

    @property
    def security_admin(self) -> Principal:
        """Who alone turns Enterprise IoT on and off."""
        return Principal("eve@example.com", self.tenant)

    @property
    def colleague(self) -> Principal:
        """Somebody of the tenant, without any role."""
        return Principal("bob@example.com", self.tenant)

    @property
    def names(self) -> dict[str, str]:
        """What stands for each parameter of a path."""
        return {
            "license_id": self.license_id,
            "invoice_id": self.license_id,
            "subscription_id": self.with_plan,
            "month": f"{wall_clock():%Y-%m}",
            "sku": "OT_SITE_L",
            "name": "Press",
            "principal": "ada@example.com",
            "operation_id": self.license_id,
            "file_id": self.license_id,
        }

    def at(self, urls: dict[str, str]) -> Self:
        """The same, found elsewhere."""
        return replace(self, urls=urls)

    def send(
        self,
        service: str,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: dict[str, str] | None = None,
        as_: Principal | None = None,
    ) -> Answer:
        """One request, to the byte as it is given."""
        able = self.security_admin if path.endswith("/enterprise-iot") and method != "GET" else self.owner
        sent = authorization(as_ or able) | ({} if body is None else {"Content-Type": "application/json"})
        connection = HTTPConnection(urlsplit(self.urls[service]).netloc, timeout=_PATIENCE)
        try:
            connection.request(method, path, body, sent | (headers or {}))
            answer = connection.getresponse()
            return Answer(
                answer.status,
                {name.lower(): value for name, value in answer.getheaders()},
                answer.read(),
            )
        finally:
            connection.close()


async def settle(services: Services) -> Inhabited:
    """Make the tenant."""
    world = World(services)
    license = await world.buy("OT_SITE_L", 3)
    await world.quiet()
    with_plan, without_plan = await world.link(), await world.link()
    await world.add_plan(with_plan)
    await world.add_site(with_plan, "Press")
    # A site and a sensor of one name, so that it leads somewhere in either place.
    sensor = await world.admin.plans.put(
        f"/v1/subscriptions/{with_plan}/sensors/Press", {"site": "Press", "management": "local"}
    )
    assert sensor.status == 201, sensor
    given = await world.admin.plans.put(
        f"/v1/subscriptions/{with_plan}/role-assignments/eve@example.com", {"role": "SecurityAdmin"}
    )
    assert given.status == 201, given
    return Inhabited(services.urls, world.tenant, license["id"], with_plan, without_plan)


def newcomer() -> Principal:
    """An administrator of a tenant that has nothing."""
    return Principal("new@example.com", uuid4(), ADMINISTRATOR)


def authorization(principal: Principal) -> dict[str, str]:
    """The header by which the gateway says who is calling."""
    return {"Authorization": f"Bearer {token(principal)}"}
