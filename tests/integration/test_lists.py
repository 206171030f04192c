"""Does a list, read page by page while others write, show every item once?"""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.support.service_calls import Answer, ServiceClient
from tests.support.world import World

LINK = re.compile(r'<([^>]+)>; rel="next"')


async def pages(client: ServiceClient, path: str) -> AsyncIterator[Answer]:
    """Page after page, by the links."""
    while True:
        page = await client.get(path)
        assert page.status == 200
        yield page
        if "Link" not in page.headers:
            assert "next_cursor" not in page.json
            return
        found = LINK.fullmatch(page.headers["Link"])
        assert found
        path = found[1]
        assert parse_qs(urlsplit(path).query)["cursor"] == [page.json["next_cursor"]]


async def ids(client: ServiceClient, path: str) -> list[list[str]]:
    return [[item["id"] for item in page.json["items"]] async for page in pages(client, path)]


async def test_every_license_is_on_one_page_from_old_to_new(world: World) -> None:
    bought = [(await world.buy())["id"] for _ in range(5)]
    ask = world.admin.licensing
    assert await ids(ask, "/v1/licenses?limit=2") == [bought[:2], bought[2:4], bought[4:]]
    assert await ids(ask, "/v1/licenses?limit=5") == [bought]
    assert await ids(ask, "/v1/licenses") == [bought]


async def test_the_items_are_as_the_single_ones(world: World) -> None:
    license = await world.buy()
    assert (await world.admin.licensing.get("/v1/licenses")).json == {"items": [license]}
    subscription = f"/v1/subscriptions/{await world.link()}"
    single = (await world.admin.plans.get(subscription)).json
    assert (await world.admin.plans.get("/v1/subscriptions")).json == {"items": [single]}


async def test_what_is_bought_while_somebody_reads_takes_nothing_away_and_repeats_nothing(
    world: World,
) -> None:
    before = [(await world.buy())["id"] for _ in range(4)]
    seen: list[str] = []
    later: list[str] = []
    async for page in pages(world.admin.licensing, "/v1/licenses?limit=2"):
        seen += [item["id"] for item in page.json["items"]]
        if len(later) < 2:
            later.append((await world.buy())["id"])
    assert seen == before + later


async def test_a_filter_holds_on_every_page(world: World) -> None:
    small = [(await world.buy("OT_SITE_XS"))["id"] for _ in range(3)]
    large = (await world.buy("OT_SITE_L"))["id"]
    await world.cancel(small[0])
    ask = world.admin.licensing
    assert await ids(ask, "/v1/licenses?sku=OT_SITE_XS&limit=2") == [small[:2], small[2:]]
    assert await ids(ask, "/v1/licenses?status=active&limit=1") == [[small[1]], [small[2]], [large]]
    assert await ids(ask, "/v1/licenses?status=disabled&sku=OT_SITE_XS") == [[small[0]]]
    assert await ids(ask, "/v1/licenses?status=deleted") == [[]]


async def test_an_empty_list_is_a_list(world: World) -> None:
    for service, path in (
        ("licensing", "/v1/licenses"),
        ("plans", "/v1/plans"),
        ("plans", "/v1/subscriptions"),
    ):
        answer = await getattr(world.admin, service).get(path)
        assert (answer.status, answer.json) == (200, {"items": []})


@pytest.mark.parametrize("limit", [1, 200])
async def test_a_page_has_1_to_200_items(world: World, limit: int) -> None:
    assert (await world.admin.licensing.get(f"/v1/licenses?limit={limit}")).status == 200


async def test_a_page_has_50_items_unless_another_number_is_asked_for(world: World) -> None:
    license = await world.buy()
    await world.services.owner.execute(_COPY_LICENSE, license["id"], 50)
    first, second = [page.json["items"] async for page in pages(world.admin.licensing, "/v1/licenses")]
    assert (len(first), len(second)) == (50, 1)


async def test_plans_and_subscriptions_have_pages_too(world: World) -> None:
    plans = [await world.a_plan() for _ in range(3)]
    named = sorted(plan["subscription_id"] for plan in plans)

    async def listed(path: str, field: str) -> list[list[Any]]:
        return [[item[field] for item in page.json["items"]] async for page in pages(world.admin.plans, path)]

    assert await listed("/v1/plans?limit=2", "subscription_id") == [named[:2], named[2:]]
    assert await listed("/v1/subscriptions?limit=2", "id") == [named[:2], named[2:]]


async def test_subscriptions_that_may_get_a_plan_can_be_asked_for(world: World) -> None:
    await world.a_plan()
    without = await world.link()
    assert await ids(world.admin.plans, "/v1/subscriptions?eligible_for=plan") == [[without]]


async def test_the_catalog_lists_every_product_with_its_prices(world: World) -> None:
    ask = world.admin.licensing
    products = {
        item["sku"]: item async for page in pages(ask, "/v1/products?limit=2") for item in page.json["items"]
    }
    paid = {sku: product for sku, product in products.items() if not product["trial"]}
    sizes = {sku: product["max_devices"] for sku, product in paid.items() if product["site_size"]}
    assert sizes == {
        "OT_SITE_XS": 100,
        "OT_SITE_S": 250,
        "OT_SITE_M": 500,
        "OT_SITE_L": 1000,
        "OT_SITE_XL": 5000,
    }
    assert products.keys() - paid.keys() == {"OT_SITE_TRIAL_L"}
    assert products["OT_SITE_TRIAL_L"]["prices"] == []
    large = products["OT_SITE_L"]
    assert (large["term"], large["trial"]) == ("P1Y", False)
    assert {"billing_frequency": "annual", "unit": {"amount": "1750.00", "currency": "USD"}} in large[
        "prices"
    ]
    assert (await ask.get("/v1/products/OT_SITE_L")).json == large
    assert (await ask.get("/v1/products/NO_SUCH")).code == "ProductNotFound"


async def test_the_catalog_can_be_searched(world: World) -> None:
    found = (await world.admin.licensing.get("/v1/products?search=eXtRa%20LaRgE")).json["items"]
    assert [product["sku"] for product in found] == ["OT_SITE_XL"]
    assert (await world.admin.licensing.get("/v1/products?search=nothing-like-it")).json == {"items": []}


_COPY_LICENSE = """
    INSERT INTO licensing.licenses
    SELECT (jsonb_populate_record(l, jsonb_build_object('id', uuidv7()))).*
    FROM licensing.licenses AS l, generate_series(1, $2) WHERE l.id = $1
"""
