"""The same request sent again, tried without effect, or sent with an old view of things."""

import asyncio
from uuid import uuid4

from deploy.local.client import Client
from tests.support.calls import add_plan, assert_refused, buy, licenses_of, link, order, plan_with, previewed

LICENSES = "/v1/licenses"


async def test_a_key_buys_once(caller: Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await caller.send("POST", LICENSES, order(), headers=key)
    again = await caller.send("POST", LICENSES, order(), headers=key)
    assert first.status == again.status == 201
    assert first.content == again.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Location"] == first.headers["Location"]
    assert [license["id"] for license in await licenses_of(caller)] == [first.body["id"]]


async def test_a_key_stands_for_one_request(caller: Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    license = (await caller.send("POST", LICENSES, order(quantity=1), headers=key)).body
    other_body = await caller.send("POST", LICENSES, order(quantity=2), headers=key)
    assert_refused(other_body, 422, "IdempotencyKeyReused")
    other_call = await caller.send("POST", f"{LICENSES}/{license['id']}/cancel", {}, headers=key)
    assert_refused(other_call, 422, "IdempotencyKeyReused")
    assert [(one["quantity"], one["status"]) for one in await licenses_of(caller)] == [(1, "active")]


async def test_a_key_is_the_tenants(caller: Client, stranger: Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    other = await stranger.with_token(uuid4())
    mine = await caller.send("POST", LICENSES, order(), headers=key)
    theirs = await other.send("POST", LICENSES, order(), headers=key)
    assert mine.status == theirs.status == 201
    assert mine.body["id"] != theirs.body["id"]


async def test_a_key_too_long_is_refused(caller: Client) -> None:
    answer = await caller.send("POST", LICENSES, order(), headers={"Idempotency-Key": "k" * 256})
    assert_refused(answer, 422, "InvalidRequest")


async def test_a_refusal_is_kept_under_its_key(caller: Client) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    first = await caller.send("POST", LICENSES, order("OT_SITE_XXL"), headers=key)
    again = await caller.send("POST", LICENSES, order("OT_SITE_XXL"), headers=key)
    assert_refused(first, 422, "InvalidRequest")
    assert (again.status, again.code) == (422, "InvalidRequest")
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_sent_at_once_with_one_key_it_is_bought_once(caller: Client) -> None:
    key = str(uuid4())
    answers = await asyncio.gather(*(caller.insist("POST", LICENSES, order(), key=key) for _ in range(8)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.body["id"] for answer in answers}) == 1
    assert len(await licenses_of(caller)) == 1


async def test_a_cancel_takes_effect_once(caller: Client) -> None:
    license = await buy(caller)
    path, key = f"{LICENSES}/{license['id']}/cancel", {"Idempotency-Key": str(uuid4())}
    first = await caller.send("POST", path, {}, headers=key)
    again = await caller.send("POST", path, {}, headers=key)
    assert (first.status, first.content) == (again.status, again.content) == (200, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert_refused(await caller.send("POST", path, {}), 409, "LicenseNotActive")


async def test_a_dry_run_answers_alike_and_changes_nothing(caller: Client) -> None:
    tried = await caller.send("POST", f"{LICENSES}?dry_run=true", order(quantity=3))
    assert tried.status == 200
    assert tried.body["price"]["total"] == {"amount": "5250.00", "currency": "USD"}
    assert_refused(
        await caller.send("POST", f"{LICENSES}?dry_run=true", order(quantity=0)), 422, "InvalidRequest"
    )
    assert await licenses_of(caller) == []

    license = await buy(caller)
    tried = await caller.send("POST", f"{LICENSES}/{license['id']}/cancel?dry_run=true", {})
    assert (tried.status, tried.body["license"]["status"]) == (200, "disabled")
    assert [one["status"] for one in await licenses_of(caller)] == ["active"]


async def test_who_has_it_already_gets_no_body(caller: Client) -> None:
    license = await buy(caller)
    path = f"{LICENSES}/{license['id']}"
    first = await caller.send("GET", path)
    etag = first.headers["ETag"]
    assert etag.startswith('"1-')
    same = await caller.send("GET", path, headers={"If-None-Match": etag})
    assert (same.status, same.content, same.headers["ETag"]) == (304, b"", etag)
    await caller.send("POST", f"{path}/cancel", {})
    changed = await caller.send("GET", path, headers={"If-None-Match": etag})
    assert changed.status == 200
    assert changed.headers["ETag"].startswith('"2-')


async def test_a_plan_has_another_etag_once_it_followed(caller: Client) -> None:
    await buy(caller)
    subscription = await link(caller)
    await previewed(caller, subscription, {"L": 1})
    await add_plan(caller, subscription)
    etag = (await caller.send("GET", f"{subscription}/plan")).headers["ETag"]
    same = await caller.send("GET", f"{subscription}/plan", headers={"If-None-Match": f'"0-x", {etag}'})
    assert same.status == 304
    await buy(caller, "OT_SITE_S")
    await plan_with(caller, subscription, {"S": 1, "L": 1})
    changed = await caller.send("GET", f"{subscription}/plan", headers={"If-None-Match": etag})
    assert changed.status == 200
    assert changed.headers["ETag"] != etag


async def test_an_old_view_changes_nothing(caller: Client) -> None:
    license = await buy(caller)
    path = f"{LICENSES}/{license['id']}/cancel"
    stale = await caller.send("POST", path, {}, headers={"If-Match": '"7-abc"'})
    assert_refused(stale, 412, "PreconditionFailed")
    seen = (await caller.send("GET", f"{LICENSES}/{license['id']}")).headers["ETag"]
    assert (await caller.send("POST", path, {}, headers={"If-Match": seen})).status == 200


async def test_linking_again_renames(caller: Client) -> None:
    subscription = await link(caller)
    again = await caller.send("PUT", subscription, {"display_name": "Plant"})
    assert (again.status, again.body["version"]) == (200, 1)
    renamed = await caller.send("PUT", subscription, {"display_name": "Works"})
    assert (renamed.status, renamed.body["version"]) == (200, 2)


async def test_a_second_plan_is_refused(caller: Client) -> None:
    await buy(caller)
    subscription = await link(caller)
    await previewed(caller, subscription, {"L": 1})
    await add_plan(caller, subscription)
    again = await caller.send("PUT", f"{subscription}/plan", {"terms_accepted": True})
    assert_refused(again, 409, "PlanAlreadyExists")


async def test_a_list_is_read_page_by_page(caller: Client) -> None:
    bought = {(await buy(caller))["id"] for _ in range(5)}
    seen: list[str] = []
    path = f"{LICENSES}?limit=2"
    while path:
        page = await caller.send("GET", path)
        seen += [license["id"] for license in page.body["items"]]
        assert ("next_cursor" in page.body) == ("Link" in page.headers)
        link_header = page.headers.get("Link", "")
        assert not link_header or link_header.endswith('; rel="next"')
        path = link_header.partition(">")[0].removeprefix("<")
    assert len(seen) == 5
    assert set(seen) == bought
