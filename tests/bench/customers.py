"""Tenants that have a plan each, so that their purchases have something to change."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson

from shared.identity import Principal
from tests.bench.load import request
from tests.bench.purchases import BODY
from tests.bench.testbed import Testbed, buyer

_PATIENCE: Final = 60.0
_POLL: Final = 0.005
_SETTLED: Final = """
    SELECT coalesce(sum((size ->> 'quantity')::int), 0)
    FROM plans.plans, jsonb_array_elements(licensed_sites) AS size
"""
"""How many licenses the plans know of, as a reader of them would count."""


@dataclass(frozen=True, slots=True)
class Customer:
    tenant: UUID
    token: str

    @property
    def purchase(self) -> str:
        """A request to the gateway for one license."""
        return request("POST", "/v1/licenses", self.token, BODY)


class Customers:
    """Some tenants, and what the plans service knows of their licenses."""

    def __init__(self, customers: list[Customer], connection: asyncpg.Connection) -> None:
        self.all = customers
        self._connection = connection

    @classmethod
    async def settle(cls, bed: Testbed, count: int) -> "Customers":
        """Make `count` tenants, each with a subscription, a license and a plan, through the gateway."""
        async with aiohttp.ClientSession(bed.system.url) as session:
            customers = [await _settle(session) for _ in range(count)]
        return cls(customers, await asyncpg.connect(bed.database_url))

    async def settled(self) -> int:
        """How many licenses the plans know of."""
        return int(await self._connection.fetchval(_SETTLED))

    async def until_settled(self, licenses: int) -> float:
        """The moment, in wall-clock time, at which the plans know of so many licenses."""
        deadline = time.time() + _PATIENCE
        while (known := await self.settled()) < licenses:
            if time.time() > deadline:
                raise TimeoutError(f"the plans know of {known} licenses, not of {licenses}")
            await asyncio.sleep(_POLL)
        return time.time()

    async def leave(self) -> None:
        await self._connection.close()


async def token_of(session: aiohttp.ClientSession, principal: Principal) -> str:
    """What the development issuer gives a caller."""
    wish = {
        "tenant_id": str(principal.tenant_id),
        "principal": principal.id,
        "roles": [*principal.roles],
        "scopes": [*principal.scopes],
    }
    token: str = (await call(session, "POST", "/dev/tokens", "", wish))["access_token"]
    return token


async def _settle(session: aiohttp.ClientSession) -> Customer:
    principal = buyer(uuid4())
    token = await token_of(session, principal)
    plan = f"/v1/subscriptions/{uuid4()}"
    await call(session, "PUT", plan, token, {"display_name": "bench"})
    await call(session, "POST", "/v1/licenses", token, orjson.loads(BODY))
    deadline = time.monotonic() + _PATIENCE
    while (await call(session, "POST", f"{plan}/plan/preview", token, {}))["blockers"]:
        if time.monotonic() > deadline:
            raise TimeoutError("the license does not reach the plans service")
        await asyncio.sleep(_POLL)
    await call(session, "PUT", f"{plan}/plan", token, {"terms_accepted": True})
    return Customer(principal.tenant_id, token)


async def call(
    session: aiohttp.ClientSession, method: str, path: str, token: str, body: dict[str, Any] | None
) -> dict[str, Any]:
    """The answer. Raises RuntimeError where it is a refusal."""
    headers = {"Authorization": f"Bearer {token}"}
    async with session.request(method, path, json=body, headers=headers) as response:
        if not response.ok:
            raise RuntimeError(f"{method} {path}: {response.status} {await response.text()}")
        answer: dict[str, Any] = await response.json()
        return answer
