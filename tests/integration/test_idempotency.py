"""Does a request that is sent again under its Idempotency-Key take effect once, and get the same answer?"""

import asyncio
from collections import Counter
from typing import Any
from uuid import uuid4

import pytest

from tests.support.service_calls import Answer
from tests.support.world import World, an_order

LICENSES = "/v1/licenses"
CONSOLE_FILES = "/v1/console-activation-files"


def told(answer: Answer) -> tuple[int, bytes, str | None, str | None]:
    """What of an answer has to be the same in its replay."""
    return answer.status, answer.body, answer.headers.get("ETag"), answer.headers.get("Location")


async def give(world: World, subscription: str, role: str) -> None:
    """Let bob@example.com have that role on the subscription."""
    path = f"/v1/subscriptions/{subscription}/role-assignments/bob@example.com"
    given = await world.admin.plans.put(path, {"role": role})
    assert given.status < 300, given


async def bought(world: World) -> int:
    return (await world.rows()).get("licensing.licenses", 0)


async def test_a_repeat_gets_the_first_answer_and_is_marked_as_a_replay(world: World) -> None:
    async with world.expects("license.purchased"):
        first = await world.admin.licensing.post(LICENSES, an_order(), key="k")
        second = await world.admin.licensing.post(LICENSES, an_order(), key="k")
    assert first.status == 201
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    assert told(second) == told(first)
    assert await bought(world) == 1


async def test_a_replay_has_a_request_id_of_its_own(world: World) -> None:
    for request_id in ("one", "two"):
        answer = await world.admin.licensing.post(
            LICENSES, an_order(), key="k", headers={"X-Request-Id": request_id}
        )
        assert answer.headers["X-Request-Id"] == request_id


async def test_json_that_says_the_same_is_the_same_request(world: World) -> None:
    first = await world.admin.licensing.post(
        LICENSES, b'{"sku": "OT_SITE_L", "quantity": 2, "billing_frequency": "annual"}', key="k"
    )
    second = await world.admin.licensing.post(
        LICENSES, b'{"billing_frequency":"annual",\n"quantity":2,"sku":"OT_SITE_\\u004c"}', key="k"
    )
    assert second.replayed
    assert told(second) == told(first)


@pytest.mark.parametrize("other", [an_order(quantity=2), an_order("OT_SITE_XS"), {}])
async def test_the_key_of_another_request_is_refused(world: World, other: Any) -> None:
    await world.admin.licensing.post(LICENSES, an_order(), key="k")
    refused = await world.admin.licensing.post(LICENSES, other, key="k")
    assert (refused.status, refused.code) == (422, "IdempotencyKeyReused")
    assert await bought(world) == 1


async def test_the_same_body_at_another_address_is_another_request(world: World) -> None:
    one, two = await world.buy(), await world.buy()
    assert (await world.admin.licensing.post(f"{LICENSES}/{one['id']}/cancel", {}, key="k")).status == 200
    refused = await world.admin.licensing.post(f"{LICENSES}/{two['id']}/cancel", {}, key="k")
    assert (refused.status, refused.code) == (422, "IdempotencyKeyReused")


async def test_a_key_is_its_tenants_own(world: World) -> None:
    other = World(world.services)
    ours = await world.admin.licensing.post(LICENSES, an_order(), key="k")
    theirs = await other.admin.licensing.post(LICENSES, an_order(), key="k")
    assert (ours.status, theirs.status, theirs.replayed) == (201, 201, False)
    assert ours.json["id"] != theirs.json["id"]


async def test_of_fifty_at_once_one_takes_effect_and_all_are_answered_alike(world: World) -> None:
    async with world.expects("license.purchased"):
        answers = await asyncio.gather(
            *(world.admin.licensing.post(LICENSES, an_order(), key="k") for _ in range(50))
        )
    assert await bought(world) == 1
    made = [answer for answer in answers if answer.status == 201]
    assert len({told(answer) for answer in made}) == 1
    assert Counter(answer.replayed for answer in made)[False] == 1
    others = [answer for answer in answers if answer not in made]
    assert all(answer.code == "RequestInProgress" for answer in others)


async def test_of_many_different_requests_under_one_key_one_takes_effect(world: World) -> None:
    answers = await asyncio.gather(
        *(world.admin.licensing.post(LICENSES, an_order(quantity=n + 1), key="k") for n in range(10))
    )
    assert await bought(world) == 1
    assert Counter(answer.status for answer in answers) == {201: 1, 422: 9}


async def test_of_many_refused_requests_under_one_key_all_are_refused_alike(world: World) -> None:
    answers = await asyncio.gather(
        *(world.admin.licensing.post(LICENSES, an_order(quantity=0), key="k") for _ in range(20))
    )
    assert {(answer.status, answer.code) for answer in answers} == {(422, "InvalidRequest")}


@pytest.mark.parametrize(
    ("body", "status"), [(an_order("NO_SUCH_SKU"), 422), (an_order(quantity=0), 422), (b"{", 400)]
)
async def test_what_is_wrong_with_a_request_is_kept_as_its_answer(
    world: World, body: Any, status: int
) -> None:
    first = await world.admin.licensing.post(LICENSES, body, key="k")
    second = await world.admin.licensing.post(LICENSES, body, key="k")
    assert (first.status, first.replayed) == (status, False)
    assert second.replayed
    assert told(second) == told(first)


async def test_a_wrong_etag_is_kept_as_the_answer(world: World) -> None:
    license = await world.buy()
    cancel = f"{LICENSES}/{license['id']}/cancel"
    stale = await world.admin.licensing.post(cancel, {}, key="k", headers={"If-Match": '"7-x"'})
    again = await world.admin.licensing.post(cancel, {}, key="k")
    assert stale.status == 412
    assert again.replayed
    assert told(again) == told(stale)


async def test_a_missing_role_is_not_kept(world: World) -> None:
    reader = world.caller(roles=["GlobalReader"])
    assert (await reader.licensing.post(LICENSES, an_order(), key="k")).status == 403
    assert (await world.admin.licensing.post(LICENSES, an_order(), key="k")).status == 201


async def test_a_caller_without_the_role_does_not_get_the_kept_answer(world: World) -> None:
    await world.admin.licensing.post(LICENSES, an_order(), key="k")
    reader = world.caller(roles=["GlobalReader"])
    refused = await reader.licensing.post(LICENSES, an_order(), key="k")
    assert (refused.status, refused.code, refused.replayed) == (403, "AuthorizationFailed", False)


@pytest.mark.parametrize(("role", "status"), [("Reader", 403), (None, 404)])
async def test_a_console_s_file_is_not_replayed_to_who_may_not_download_it(
    world: World, role: str | None, status: int
) -> None:
    subscription: str = (await world.a_plan())["subscription_id"]
    asked = {"subscription_ids": [subscription]}
    first = await world.admin.plans.post(CONSOLE_FILES, asked, key="k")
    assert first.status == 201
    bob = world.caller("bob@example.com")
    if role is not None:
        await give(world, subscription, role)
    refused = await bob.plans.post(CONSOLE_FILES, asked, key="k")
    assert (refused.status, refused.replayed) == (status, False)
    await give(world, subscription, "SecurityReader")
    replayed = await bob.plans.post(CONSOLE_FILES, asked, key="k")
    assert replayed.replayed
    assert told(replayed) == told(first)


async def test_of_a_console_s_file_every_subscription_has_to_be_allowed_for_a_replay(world: World) -> None:
    one: str = (await world.a_plan())["subscription_id"]
    other: str = (await world.a_plan())["subscription_id"]
    asked = {"subscription_ids": [one, other]}
    assert (await world.admin.plans.post(CONSOLE_FILES, asked, key="k")).status == 201
    await give(world, one, "Owner")
    await give(world, other, "Reader")
    refused = await world.caller("bob@example.com").plans.post(CONSOLE_FILES, asked, key="k")
    assert (refused.status, refused.code, refused.replayed) == (403, "AuthorizationFailed", False)


async def test_who_was_refused_a_console_s_file_has_left_nothing_under_the_key(world: World) -> None:
    subscription: str = (await world.a_plan())["subscription_id"]
    asked = {"subscription_ids": [subscription]}
    refused = await world.caller("bob@example.com").plans.post(CONSOLE_FILES, asked, key="k")
    assert (refused.status, refused.code) == (404, "SubscriptionNotFound")
    made = await world.admin.plans.post(CONSOLE_FILES, asked, key="k")
    assert (made.status, made.replayed) == (201, False)


@pytest.mark.parametrize("call", ["console file", "sensor's file", "preview"])
async def test_who_has_lost_the_role_since_does_not_get_the_kept_answer(world: World, call: str) -> None:
    subscription: str = (await world.a_plan())["subscription_id"]
    here = f"/v1/subscriptions/{subscription}"
    await world.add_site(subscription)
    assert (await world.admin.plans.put(f"{here}/sensors/North", {"site": "Press"})).status == 201
    path, body = {
        "console file": (CONSOLE_FILES, {"subscription_ids": [subscription]}),
        "sensor's file": (f"{here}/sensors/North/activation-file", {}),
        "preview": (f"{here}/plan/preview", {}),
    }[call]
    bob = world.caller("bob@example.com")
    await give(world, subscription, "Contributor")
    assert (await bob.plans.post(path, body, key="k")).status in {200, 201}
    assert (await bob.plans.post(path, body, key="k")).replayed
    await give(world, subscription, "Reader")
    refused = await bob.plans.post(path, body, key="k")
    assert (refused.status, refused.code, refused.replayed) == (403, "AuthorizationFailed", False)
    taken = await world.admin.plans.send("DELETE", f"{here}/role-assignments/bob@example.com")
    assert taken.status == 204
    refused = await bob.plans.post(path, body, key="k")
    assert (refused.status, refused.code, refused.replayed) == (404, "SubscriptionNotFound", False)


async def test_what_the_present_state_forbids_is_not_kept(world: World) -> None:
    license = await world.buy()
    cancel = f"{LICENSES}/{license['id']}/cancel"
    await world.cancel(license["id"])
    for _ in range(2):
        refused = await world.admin.licensing.post(cancel, {}, key="k")
        assert (refused.status, refused.replayed) == (409, False)
    assert "licensing.idempotency" not in await world.rows()


async def test_a_cancel_is_replayed_while_the_license_is_cancelled_already(world: World) -> None:
    license = await world.buy()
    cancel = f"{LICENSES}/{license['id']}/cancel"
    async with world.expects("license.cancelled"):
        first = await world.admin.licensing.post(cancel, key="k")
        second = await world.admin.licensing.post(cancel, key="k")
    assert first.status == 200
    assert second.replayed
    assert told(second) == told(first)


async def test_a_replay_is_found_before_if_match_is_asked(world: World) -> None:
    license = await world.buy()
    cancel = f"{LICENSES}/{license['id']}/cancel"
    held = {"If-Match": f'"{license["version"]}-x"'}
    first = await world.admin.licensing.post(cancel, key="k", headers=held)
    second = await world.admin.licensing.post(cancel, key="k", headers=held)
    assert first.status == 200
    assert second.replayed
    assert told(second) == told(first)


async def test_of_many_cancels_at_once_one_takes_effect(world: World) -> None:
    keyed, unkeyed = await world.buy(), await world.buy()
    async with world.expects("license.cancelled", "license.cancelled"):
        same_key = await asyncio.gather(
            *(world.admin.licensing.post(f"{LICENSES}/{keyed['id']}/cancel", key="k") for _ in range(20))
        )
        no_key = await asyncio.gather(
            *(world.admin.licensing.post(f"{LICENSES}/{unkeyed['id']}/cancel") for _ in range(20))
        )
    assert len({told(answer) for answer in same_key if answer.status == 200}) == 1
    assert Counter(answer.replayed for answer in same_key if answer.status == 200)[False] == 1
    assert all(answer.code == "RequestInProgress" for answer in same_key if answer.status != 200)
    assert Counter(answer.code for answer in no_key) == {None: 1, "LicenseNotActive": 19}


async def test_a_dry_run_is_not_kept(world: World) -> None:
    tried = await world.admin.licensing.post(f"{LICENSES}?dry_run=true", an_order(), key="k")
    assert tried.status == 200
    assert (await world.admin.licensing.post(LICENSES, an_order(), key="k")).status == 201


async def test_a_refused_dry_run_is_not_kept(world: World) -> None:
    tried = await world.admin.licensing.post(f"{LICENSES}?dry_run=true", an_order(quantity=0), key="k")
    assert tried.status == 422
    assert await world.rows() == {}


@pytest.mark.parametrize("length", [1, 255])
async def test_a_key_of_1_to_255_characters_is_taken(world: World, length: int) -> None:
    assert (await world.admin.licensing.post(LICENSES, an_order(), key="k" * length)).status == 201
    assert (await world.admin.licensing.post(LICENSES, an_order(), key="k" * length)).replayed


@pytest.mark.parametrize("key", ["", "k" * 256])
async def test_a_key_of_another_length_is_refused(world: World, key: str) -> None:
    refused = await world.admin.licensing.post(LICENSES, an_order(), key=key)
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert refused.json["errors"][0]["pointer"] == "Idempotency-Key"
    assert await bought(world) == 0


async def test_every_post_honors_a_key(world: World) -> None:
    subscription = await world.link()
    preview = f"/v1/subscriptions/{subscription}/plan/preview"
    first = await world.admin.plans.post(preview, {}, key="k")
    await world.buy()
    await world.quiet()
    second = await world.admin.plans.post(preview, {}, key="k")
    assert second.replayed
    assert told(second) == told(first)


async def test_a_put_has_no_use_for_a_key(world: World) -> None:
    address = f"/v1/subscriptions/{uuid4()}"
    for status in (201, 200):
        answer = await world.admin.plans.put(
            address, {"display_name": "Plant 7"}, headers={"Idempotency-Key": "k"}
        )
        assert (answer.status, answer.replayed) == (status, False)
