"""Bad input gets its problem document, and nothing changes."""

from typing import Any
from uuid import uuid4

import pytest

from deploy.local.client import Client
from tests.support.calls import assert_refused, licenses_of, link, order

_MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"sku": "OT_SITE_XXL"}, "/sku"),
        ({"sku": None}, "/sku"),
        ({"quantity": 0}, "/quantity"),
        ({"quantity": -3}, "/quantity"),
        ({"quantity": 1.5}, "/quantity"),
        ({"quantity": "3"}, "/quantity"),
        ({"quantity": True}, "/quantity"),
        ({"quantity": 10**18}, "/quantity"),
        ({"quantity": None}, "/quantity"),
        ({"billing_frequency": "weekly"}, "/billing_frequency"),
        ({"auto_renew": "yes"}, "/auto_renew"),
        ({"discount": 100}, "/discount"),
    ],
)
async def test_a_field_of_a_purchase_that_does_not_fit_is_named(
    caller: Client, change: dict[str, Any], pointer: str
) -> None:
    answer = await caller.send("POST", "/v1/licenses", order() | change)
    problem = assert_refused(answer, 422, "InvalidRequest")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert problem["errors"][0]["detail"]
    assert await licenses_of(caller) == []


async def test_every_missing_field_is_named(caller: Client) -> None:
    problem = assert_refused(await caller.send("POST", "/v1/licenses", {}), 422, "InvalidRequest")
    assert {error["pointer"] for error in problem["errors"]} == {"/sku", "/quantity"}
    unbilled = {name: value for name, value in order().items() if name != "billing_frequency"}
    problem = assert_refused(await caller.send("POST", "/v1/licenses", unbilled), 422, "InvalidRequest")
    assert [error["pointer"] for error in problem["errors"]] == ["/billing_frequency"]


@pytest.mark.parametrize("content", [b"", b"{", b"three licenses", b'{"sku": }', b"\xff\xfe", b"[1"])
async def test_a_body_that_is_no_json_is_called_so(caller: Client, content: bytes) -> None:
    answer = await caller.send("POST", "/v1/licenses", content=content)
    assert_refused(answer, 400, "MalformedJson")
    assert await licenses_of(caller) == []


@pytest.mark.parametrize("content", [b"[]", b"3", b"null", b'"OT_SITE_L"'])
async def test_json_that_is_no_object_does_not_fit(caller: Client, content: bytes) -> None:
    answer = await caller.send("POST", "/v1/licenses", content=content)
    assert_refused(answer, 422, "InvalidRequest")


async def test_another_content_type_is_refused(caller: Client) -> None:
    answer = await caller.send(
        "POST", "/v1/licenses", content=b"sku=OT_SITE_L", headers={"Content-Type": "text/plain"}
    )
    assert_refused(answer, 415, "UnsupportedMediaType")


async def test_a_body_over_a_mebibyte_is_refused(caller: Client) -> None:
    answer = await caller.send("POST", "/v1/licenses", order() | {"sku": "X" * _MIB})
    assert_refused(answer, 413, "ContentTooLarge")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"terms_accepted": True, "price_plan": "annual"}, "/price_plan"),
        ({"terms_accepted": "true"}, "/terms_accepted"),
        ({}, "/terms_accepted"),
        ({"terms_accepted": True, "committed_devices": 100}, "/committed_devices"),
    ],
)
async def test_a_field_of_a_plan_that_does_not_fit_is_named(
    caller: Client, body: dict[str, Any], pointer: str
) -> None:
    subscription = await link(caller)
    answer = await caller.send("PUT", f"{subscription}/plan", body)
    problem = assert_refused(answer, 422, "InvalidRequest")
    assert [error["pointer"] for error in problem["errors"]] == [pointer]
    assert_refused(await caller.send("GET", f"{subscription}/plan"), 404, "PlanNotFound")


@pytest.mark.parametrize("name", [None, "", 7, "x" * 201, "line\nbreak"])
async def test_a_subscription_needs_a_name(caller: Client, name: Any) -> None:
    answer = await caller.send("PUT", f"/v1/subscriptions/{uuid4()}", {"display_name": name})
    problem = assert_refused(answer, 422, "InvalidRequest")
    assert [error["pointer"] for error in problem["errors"]] == ["/display_name"]
    assert (await caller.send("GET", "/v1/subscriptions")).body == {"items": []}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=many", "cursor=!", "colour=red", "limit=1&limit=2"]
)
async def test_a_query_that_does_not_fit_is_refused(caller: Client, query: str) -> None:
    problem = assert_refused(await caller.send("GET", f"/v1/licenses?{query}"), 422, "InvalidRequest")
    assert [error["pointer"] for error in problem["errors"]] == [query.partition("=")[0]]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/", "NotFound"),
        ("/nothing", "NotFound"),
        ("/v1", "NotFound"),
        ("/v1/nothing", "NotFound"),
        ("/v1/licenses/1/2/3", "NotFound"),
        (f"/v1/licenses/{uuid4()}", "LicenseNotFound"),
        ("/v1/licenses/not-an-id", "LicenseNotFound"),
        ("/v1/products/OT_SITE_XXL", "ProductNotFound"),
        (f"/v1/subscriptions/{uuid4()}", "SubscriptionNotFound"),
        ("/v1/subscriptions/not-an-id/plan", "SubscriptionNotFound"),
    ],
)
async def test_what_is_not_there_is_not_found(caller: Client, path: str, code: str) -> None:
    assert_refused(await caller.send("GET", path), 404, code)


async def test_a_method_that_does_not_apply_is_told_which_do(caller: Client) -> None:
    answer = await caller.send("DELETE", "/v1/licenses")
    assert_refused(answer, 405, "MethodNotAllowed")
    assert {"GET", "POST"} & set(answer.headers["Allow"].replace(",", " ").split())
