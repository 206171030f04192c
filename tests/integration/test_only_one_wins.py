"""Of fifty who want the same at the same moment, does exactly one get it, and is it told and charged once?"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from tests.support.service_calls import Answer
from tests.support.world import World

LICENSES: Final = "/v1/licenses"
MANY: Final = 50
TRIAL: Final = {"sku": "OT_SITE_TRIAL_L", "quantity": 1}


async def at_once(attempt: Callable[[int], Awaitable[Answer]]) -> list[Answer]:
    """The answers to many attempts made together, each with a number of its own from 1 on."""
    return await asyncio.gather(*(attempt(number) for number in range(1, MANY + 1)))


async def lines(world: World) -> list[tuple[str, int]]:
    """Of the tenant's only invoice: kind and quantity."""
    (invoice,) = (await world.admin.licensing.get("/v1/invoices")).json["items"]
    return [(line["kind"], line["quantity"]) for line in invoice["lines"]]


async def bought(world: World, quantity: int) -> tuple[str, dict[str, str]]:
    """The path of a new license, and the header for changing it as it was read.

    Only the first writes of a new tenant wait for each other anyhow; its license has been read, so they are over.
    """
    path = f"{LICENSES}/{(await world.buy(quantity=quantity))['id']}"
    return path, {"If-Match": (await world.admin.licensing.get(path)).etag}


def one_effect(answers: list[Answer], *, status: int) -> Answer:
    """The answer that was given first; all others are its replays, or were told that it was under way."""
    answered = [answer for answer in answers if answer.status == status]
    (first,) = (answer for answer in answered if not answer.replayed)
    assert {(answer.body, answer.etag) for answer in answered} == {(first.body, first.etag)}
    rest = [answer for answer in answers if answer not in answered]
    assert {(answer.status, answer.code) for answer in rest} <= {(409, "RequestInProgress")}
    return first


async def test_the_last_license_that_can_be_taken_back_is_taken_back_once(world: World) -> None:
    path, read = await bought(world, 2)
    async with world.expects("license.quantity_changed") as heard:
        answers = await at_once(
            lambda _: world.admin.licensing.send("PATCH", path, {"quantity": 1}, headers=read)
        )
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (200, None): 1,
        (412, "PreconditionFailed"): MANY - 1,
    }
    assert [(one.envelope.aggregateversion, one.state["quantity"]) for one in heard] == [(2, 1)]
    assert await lines(world) == [("charge", 2), ("credit", 1)]


async def test_also_where_nobody_minds_what_the_others_did(world: World) -> None:
    path, _ = await bought(world, 2)
    async with world.expects("license.quantity_changed"):
        answers = await at_once(
            lambda _: world.admin.licensing.send("PATCH", path, {"quantity": 1}, headers={"If-Match": "*"})
        )
    assert {(answer.status, answer.json["version"]) for answer in answers} == {(200, 2)}
    assert await lines(world) == [("charge", 2), ("credit", 1)]


async def test_of_different_totals_asked_for_at_once_one_comes_true(world: World) -> None:
    path, read = await bought(world, MANY + 1)
    async with world.expects("license.quantity_changed"):
        answers = await at_once(
            lambda total: world.admin.licensing.send("PATCH", path, {"quantity": total}, headers=read)
        )
    (won,) = (answer for answer in answers if answer.status == 200)
    assert {answer.code for answer in answers} == {None, "PreconditionFailed"}
    left = (await world.admin.licensing.get(path)).json["quantity"]
    assert left == won.json["quantity"]
    assert await lines(world) == [("charge", MANY + 1), ("credit", MANY + 1 - left)]


async def test_nobody_reduces_below_the_sites_however_many_try(world: World) -> None:
    subscription = (await world.a_plan(sites=2))["subscription_id"]
    await world.add_site(subscription, "Press")
    await world.add_site(subscription, "Mill")
    await world.quiet()
    (license,) = (await world.admin.licensing.get(LICENSES)).json["items"]
    path = f"{LICENSES}/{license['id']}"
    async with world.expects():
        answers = await at_once(
            lambda _: world.admin.licensing.send("PATCH", path, {"quantity": 1}, headers={"If-Match": "*"})
        )
    assert {(answer.status, answer.code) for answer in answers} == {(409, "LicenseInUse")}
    assert (await world.admin.licensing.get(path)).json["version"] == 1


async def test_the_trial_is_had_once(world: World) -> None:
    await world.buy()
    await world.admin.licensing.get(LICENSES)
    async with world.expects("trial.started"):
        answers = await at_once(lambda _: world.admin.licensing.post(LICENSES, TRIAL))
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (201, None): 1,
        (409, "TrialAlreadyUsed"): MANY - 1,
    }
    rows = await world.rows()
    assert (rows["licensing.licenses"], rows["licensing.trials"]) == (2, 1)


async def test_a_trial_is_converted_once(world: World) -> None:
    trial = (await world.admin.licensing.post(LICENSES, TRIAL)).json
    await world.admin.licensing.get(f"{LICENSES}/{trial['id']}")
    wish = {"when": "now", "sku": "OT_SITE_L", "quantity": 2}
    async with world.expects("trial.converted"):
        answers = await at_once(
            lambda _: world.admin.licensing.post(f"{LICENSES}/{trial['id']}/convert", wish)
        )
    assert Counter((answer.status, answer.code) for answer in answers) == {
        (200, None): 1,
        (409, "NotATrial"): MANY - 1,
    }
    assert await lines(world) == [("charge", 2)]


async def test_under_one_key_licenses_are_added_once(world: World) -> None:
    path, read = await bought(world, 1)
    async with world.expects("license.quantity_changed"):
        answers = await at_once(
            lambda _: world.admin.licensing.send("PATCH", path, {"quantity": 3}, key="k", headers=read)
        )
    assert one_effect(answers, status=200).json["quantity"] == 3
    assert await lines(world) == [("charge", 1), ("charge", 2)]


async def test_under_one_key_a_license_is_taken_up_again_once(world: World) -> None:
    await world.sandbox("2026-03-01T09:30:00Z")
    license = await world.buy(auto_renew=False)
    await world.advance("2027-03-02T00:00:00Z")
    async with world.expects("license.deleted", "license.reactivated"):
        answers = await at_once(
            lambda _: world.admin.licensing.post(f"{LICENSES}/{license['id']}/reactivate", key="k")
        )
    new = one_effect(answers, status=201).json
    (listed,) = (await world.admin.licensing.get(LICENSES)).json["items"]
    assert listed["id"] == new["id"] != license["id"]
