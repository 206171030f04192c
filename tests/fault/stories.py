"""Customers without end: each a tenant of its own that goes through the story, whatever breaks meanwhile.

Whatever is asked is asked again until it is answered, so what a story remembers has to be so for ever.
"""

# ruff: noqa: S311 - chance, not secrecy

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID, uuid4

from deploy.local.client import Answer, Client
from tests.support.calls import order, plan_with, sites_of
from tests.support.eventually import eventually

_SIZES: Final = ("XS", "S", "M", "L", "XL")
_PATIENCE: Final = 60.0


class Story:
    """One tenant: what it has asked for, and what it was told."""

    def __init__(self, stranger: Client) -> None:
        self._stranger = stranger
        self.tenant: UUID = uuid4()
        self.caller: Client = stranger
        self.subscription = f"/v1/subscriptions/{uuid4()}"
        self.bought: dict[str, dict[str, Any]] = {}
        """The license that was answered, by Idempotency-Key."""
        self.cancelled: set[str] = set()
        """Ids of the licenses whose cancel was answered."""
        self.answers = 0

    @property
    def sites(self) -> dict[str, int]:
        """What the plan has to read."""
        sites: Counter[str] = Counter()
        for license in self.bought.values():
            if license["id"] not in self.cancelled:
                sites[license["site_size"]] += license["quantity"]
        return dict(sites)

    async def begin(self) -> None:
        """Up to a plan that shows what was bought."""
        self.caller = await self._stranger.with_token(self.tenant)
        await self._ask("PUT", self.subscription, {"display_name": "Plant"}, 201, 200)
        await self.buy(2)
        await eventually(self._previewed, within=_PATIENCE)
        # Where an earlier sending took effect and its answer was lost, the plan is there.
        await self._ask("PUT", f"{self.subscription}/plan", {"terms_accepted": True}, 201, 409)
        await self.followed()

    async def go_on(self) -> None:
        """More is bought, some of it is cancelled, and the plan follows."""
        await self.buy(3)
        await self.followed()
        kept = [one["id"] for one in self.bought.values() if one["id"] not in self.cancelled]
        await asyncio.gather(*(self._cancel(license_id) for license_id in random.sample(kept, 2)))
        await self.followed()

    async def buy(self, orders: int = 1) -> None:
        """As many orders at once, each under a key of its own."""
        await asyncio.gather(*(self._buy() for _ in range(orders)))

    async def followed(self) -> None:
        """Return once the plan reads what it has to."""
        await plan_with(self.caller, self.subscription, self.sites, within=_PATIENCE)

    async def _buy(self) -> None:
        key = str(uuid4())
        wish = order(f"OT_SITE_{random.choice(_SIZES)}", random.randint(1, 9))
        self.bought[key] = (await self._ask("POST", "/v1/licenses", wish, 201, key=key)).body

    async def _cancel(self, license_id: str) -> None:
        await self._ask("POST", f"/v1/licenses/{license_id}/cancel", {}, 200)
        self.cancelled.add(license_id)

    async def _previewed(self) -> bool:
        answer = await self._ask("POST", f"{self.subscription}/plan/preview", {}, 200)
        return sites_of(answer.body) == self.sites

    async def _ask(self, method: str, path: str, body: Any, *statuses: int, key: str | None = None) -> Answer:
        answer = await self.caller.insist(method, path, body, key=key, patience=_PATIENCE)
        assert answer.status in statuses, (method, path, answer)
        self.answers += 1
        return answer


class Load:
    """Stories that go on side by side, one after the other."""

    def __init__(self, stranger: Client) -> None:
        self._stranger = stranger
        self._ending = False
        self.stories: list[Story] = []

    @property
    def answers(self) -> int:
        """Writes that were answered."""
        return sum(story.answers for story in self.stories)

    async def more(self, answers: int) -> None:
        """Return once there are as many more answers; a moment in the middle of everything else."""
        goal = self.answers + answers
        await eventually(self._answers, until=lambda now: now >= goal, within=_PATIENCE)

    def end(self) -> None:
        """Begin no further story."""
        self._ending = True

    async def _answers(self) -> int:
        return self.answers

    async def run(self) -> None:
        while not self._ending:
            story = Story(self._stranger)
            self.stories.append(story)
            await story.begin()
            await story.go_on()


@asynccontextmanager
async def load(stranger: Client, *, customers: int) -> AsyncIterator[Load]:
    """So many customers at any time, until the block ends; then every story is told to its end."""
    running = Load(stranger)
    async with asyncio.TaskGroup() as group:
        for _ in range(customers):
            group.create_task(running.run())
        try:
            yield running
        finally:
            running.end()
