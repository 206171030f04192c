"""A tenant of its own for each test, and short words for what is done in its name."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final
from uuid import UUID, uuid4

from shared.events.topics import LICENSING
from tests.support.eventually import eventually
from tests.support.listening import Heard
from tests.support.running import ADMINISTRATOR, Services
from tests.support.service_calls import Answer, Caller

_OPEN: Final = """
    SELECT (SELECT count(*) FROM licensing.outbox WHERE tenant_id = $1)
         + (SELECT count(*) FROM plans.outbox WHERE tenant_id = $1) AS unsent,
           (SELECT count(*) FROM plans.inbox WHERE tenant_id = $1) AS by_plans,
           (SELECT count(*) FROM licensing.inbox WHERE tenant_id = $1) AS by_licensing
"""


class World:
    """One tenant of running services."""

    def __init__(self, services: Services, tenant: UUID | None = None) -> None:
        self.services = services
        self.tenant = tenant or uuid4()
        self.admin = self.caller()
        """A global administrator, who calls where a test names nobody."""

    def caller(
        self, principal: str = "ada@example.com", *, roles: Sequence[str] = tuple(ADMINISTRATOR)
    ) -> Caller:
        """Somebody of this tenant."""
        return self.services.caller(self.tenant, principal, frozenset(roles))

    async def buy(self, sku: str = "OT_SITE_L", quantity: int = 1, **order: object) -> Any:
        """Buy licenses; the license as the api answers with it."""
        return _made(await self.admin.licensing.post("/v1/licenses", an_order(sku, quantity, **order)))

    async def cancel(self, license_id: str) -> Any:
        """Cancel a license; the license and its refund."""
        return _made(await self.admin.licensing.post(f"/v1/licenses/{license_id}/cancel"))

    async def link(self, name: str = "Plant 7") -> str:
        """Link a new subscription; its id."""
        subscription = uuid4()
        _made(await self.admin.plans.put(f"/v1/subscriptions/{subscription}", {"display_name": name}))
        return str(subscription)

    async def add_plan(self, subscription: str) -> Any:
        return _made(
            await self.admin.plans.put(f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True})
        )

    async def a_plan(self, sites: int = 1) -> Any:
        """A plan on a new subscription, once the tenant has bought large sites for it."""
        await self.buy("OT_SITE_L", sites)
        await self.quiet()
        added = await self.add_plan(await self.link())
        await self.quiet()
        return added

    async def add_site(self, subscription: str, name: str = "Press", size: str | None = "L") -> Any:
        """Make a site of that size; None: of a legacy plan."""
        sized = {} if size is None else {"site_size": size}
        path = f"/v1/subscriptions/{subscription}/sites/{name}"
        return _made(await self.admin.plans.put(path, {"display_name": name} | sized))

    async def plan(self, subscription: str) -> Any:
        return _made(await self.admin.plans.get(f"/v1/subscriptions/{subscription}/plan"))

    async def sandbox(self, now: str) -> None:
        """Give the tenant a clock of its own in both services, standing at `now`; before anything else of it."""
        for service in (self.admin.licensing, self.admin.plans):
            _made(await service.post("/internal/test-clock", {"now": now}))

    async def move_clock(self, now: str) -> None:
        """Move that clock, without waiting for anything."""
        for service in (self.admin.licensing, self.admin.plans):
            _made(await service.put("/internal/test-clock", {"now": now}))

    async def advance(self, to: str) -> None:
        """Move that clock as the gateway does: whatever falls due on the way happens at its own time, in order."""
        end = datetime.fromisoformat(to)
        while True:
            due = [moment for moment in await self._due() if moment <= end]
            now = min(due, default=end)
            for service in (self.admin.licensing, self.admin.plans):
                moved = {"now": now.isoformat(), "advancing_to": end.isoformat() if due else None}
                _made(await service.put("/internal/test-clock", moved))
            if not due:
                return

            async def under_way(now: datetime = now) -> list[datetime]:
                self.services.check()
                await self.quiet()
                return [moment for moment in await self._due() if moment <= now]

            await eventually(under_way, until=lambda found: not found)

    async def _due(self) -> list[datetime]:
        clocks = [
            _made(await service.get("/internal/test-clock"))
            for service in (self.admin.licensing, self.admin.plans)
        ]
        return [datetime.fromisoformat(clock["next_due_at"]) for clock in clocks if clock["next_due_at"]]

    async def quiet(self) -> None:
        """Return once every event of the tenant is on its topic, and applied where a service follows it."""

        async def under_way() -> dict[str, int]:
            self.services.check()
            unsent, by_plans, by_licensing = await self.services.owner.fetchrow(_OPEN, self.tenant)
            if not unsent:
                await self.services.listener.catch_up()
            # A repeat on the wire is one event.
            licenses = {one.envelope.id for one in self.heard() if one.envelope.source == LICENSING.source}
            sites = {one.envelope.id for one in self.heard() if one.envelope.subject.startswith("site/")}
            return {
                "unsent": unsent,
                "not applied by plans": len(licenses) - by_plans,
                "not applied by licensing": len(sites) - by_licensing,
            }

        # What is applied was published before; so once nothing is open, all of it has been heard.
        await eventually(under_way, until=lambda found: not any(found.values()))

    async def rows(self) -> dict[str, int]:
        """How many rows the tenant has, by table; tables without any are left out."""
        return await self.services.rows(self.tenant)

    def heard(self, *names: str) -> list[Heard]:
        """The tenant's events so far, only those called one of `names` if there are any."""
        return [one for one in self.services.listener.of(self.tenant) if not names or one.name in names]

    @asynccontextmanager
    async def expects(self, *names: str) -> AsyncIterator[list[Heard]]:
        """Let the block cause exactly these events, in whatever order across topics; they are in the list after it.

        Notices, which follow from nearly everything, count only where one is named.
        """
        await self.quiet()
        before = len(self.heard())
        heard: list[Heard] = []
        yield heard
        await self.quiet()
        about_notices = any(name.startswith("notice.") for name in names)
        new = self.heard()[before:]
        heard.extend(one for one in new if about_notices or not one.name.startswith("notice."))
        assert Counter(one.name for one in heard) == Counter(names)


def an_order(sku: str = "OT_SITE_L", quantity: object = 1, **order: object) -> dict[str, Any]:
    """The body of a purchase."""
    return {"sku": sku, "quantity": quantity, "billing_frequency": "annual"} | order


def _made(answer: Answer) -> Any:
    assert answer.status < 300, answer
    return answer.json
