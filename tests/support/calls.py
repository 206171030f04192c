"""The requests of the story, and what an answer has to be like."""

from typing import Any
from uuid import uuid4

from deploy.local.client import Answer, Client
from tests.support.eventually import eventually


async def link(caller: Client) -> str:
    """A new subscription's address."""
    path = f"/v1/subscriptions/{uuid4()}"
    assert (await caller.send("PUT", path, {"display_name": "Plant"})).status == 201
    return path


def order(sku: str = "OT_SITE_L", quantity: Any = 1) -> dict[str, Any]:
    return {"sku": sku, "quantity": quantity, "billing_frequency": "annual"}


async def buy(caller: Client, sku: str = "OT_SITE_L", quantity: int = 1) -> dict[str, Any]:
    """The license."""
    answer = await caller.send("POST", "/v1/licenses", order(sku, quantity))
    assert answer.status == 201, answer
    license: dict[str, Any] = answer.body
    return license


async def previewed(caller: Client, subscription: str, sites: dict[str, int]) -> Any:
    """The preview, once it shows these sites."""

    async def preview() -> Any:
        answer = await caller.send("POST", f"{subscription}/plan/preview")
        assert answer.status == 200, answer
        return answer.body

    return await eventually(preview, until=lambda body: sites_of(body) == sites)


async def add_plan(caller: Client, subscription: str) -> Any:
    answer = await caller.send("PUT", f"{subscription}/plan", {"terms_accepted": True})
    assert answer.status == 201, answer
    return answer.body


async def plan_with(caller: Client, subscription: str, sites: dict[str, int], *, within: float = 20) -> Any:
    """The plan, once it shows these sites."""

    async def read() -> Any:
        answer = await caller.insist("GET", f"{subscription}/plan")
        assert answer.status == 200, answer
        return answer.body

    return await eventually(read, until=lambda body: sites_of(body) == sites, within=within)


def sites_of(body: Any) -> dict[str, int]:
    return {one["site_size"]: one["quantity"] for one in body["licensed_sites"]}


async def licenses_of(caller: Client) -> list[dict[str, Any]]:
    """All of the caller's tenant, through every page."""
    found: list[dict[str, Any]] = []
    path = "/v1/licenses?limit=200"
    while True:
        page = (await caller.insist("GET", path)).body
        found += page["items"]
        if "next_cursor" not in page:
            return found
        path = f"/v1/licenses?limit=200&cursor={page['next_cursor']}"


def assert_refused(answer: Answer, status: int, code: str) -> dict[str, Any]:
    """The problem document, which names the request that it answers."""
    assert (answer.status, answer.code) == (status, code), answer
    problem: dict[str, Any] = answer.body
    assert problem["status"] == status
    assert problem["type"].endswith(f"/{code}")
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    return problem
