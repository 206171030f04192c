"""Who gives whom which role on a subscription, and does it never go without an Owner?"""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support.service_calls import Answer, Caller
from tests.support.world import World

ADA = "ada@example.com"
BOB = "bob@example.com"


@pytest.fixture
async def subscription(world: World) -> str:
    """One of which Ada is the Owner."""
    return await world.link()


def address(subscription: str, principal: str = "") -> str:
    return f"/v1/subscriptions/{subscription}/role-assignments" + (f"/{principal}" if principal else "")


async def give(caller: Caller, subscription: str, principal: str, role: str, **headers: str) -> Answer:
    return await caller.plans.put(address(subscription, principal), {"role": role}, headers=headers)


async def take(caller: Caller, subscription: str, principal: str, **headers: str) -> Answer:
    return await caller.plans.send("DELETE", address(subscription, principal), headers=headers)


async def assignments(caller: Caller, subscription: str) -> list[Any]:
    items: list[Any] = (await caller.plans.get(address(subscription))).json["items"]
    return items


async def test_an_owner_gives_changes_and_takes_roles(world: World, subscription: str) -> None:
    assert await assignments(world.admin, subscription) == [{"principal": ADA, "role": "Owner"}]
    given = await give(world.admin, subscription, BOB, "Reader")
    assert (given.status, given.json) == (201, {"principal": BOB, "role": "Reader"})
    changed = await give(world.admin, subscription, BOB, "Contributor")
    same = await give(world.admin, subscription, BOB, "Contributor")
    assert (changed.status, same.status) == (200, 200)
    assert changed.etag == same.etag != given.etag
    assert await assignments(world.admin, subscription) == [
        {"principal": ADA, "role": "Owner"},
        {"principal": BOB, "role": "Contributor"},
    ]
    assert (await take(world.admin, subscription, BOB)).status == 204
    assert (await take(world.admin, subscription, BOB)).status == 204
    gone = await world.admin.plans.get(address(subscription, BOB))
    assert (gone.status, gone.code) == (404, "RoleAssignmentNotFound")
    trail = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/audit-events")).json["items"]
    about_bob = [(one["before"], one["after"]) for one in trail if one["resource"].endswith(f"/{BOB}")]
    reader, contributor = {"role": "Reader"}, {"role": "Contributor"}
    assert [(before, after or None) for before, after in about_bob] == [
        (None, reader),
        (reader, contributor),
        (contributor, None),
    ]


async def test_a_role_counts_from_the_next_request_on(world: World, subscription: str) -> None:
    bob = world.caller(BOB, roles=())
    path = f"/v1/subscriptions/{subscription}"
    assert (await bob.plans.get(path)).status == 404
    await give(world.admin, subscription, BOB, "Reader")
    assert (await bob.plans.get(path)).json["roles"] == ["Reader"]
    refused = await give(bob, subscription, BOB, "Owner")
    assert (refused.status, refused.json["required_roles"]) == (403, ["Owner"])
    await give(world.admin, subscription, BOB, "Owner")
    assert (await give(bob, subscription, ADA, "Reader")).status == 200
    refused = await give(world.admin, subscription, ADA, "Owner")
    assert refused.status == 403
    await take(bob, subscription, ADA)
    assert (await world.admin.plans.get(path)).status == 404


async def test_the_last_owner_stays(world: World, subscription: str) -> None:
    for refused in (
        await give(world.admin, subscription, ADA, "Contributor"),
        await take(world.admin, subscription, ADA),
    ):
        assert (refused.status, refused.code) == (409, "LastOwner")
    assert (await give(world.admin, subscription, ADA, "Owner")).status == 200
    await give(world.admin, subscription, BOB, "Owner")
    assert (await take(world.admin, subscription, ADA)).status == 204


async def test_of_two_owners_who_take_each_other_s_role_one_stays(world: World, subscription: str) -> None:
    await give(world.admin, subscription, BOB, "Owner")
    bob = world.caller(BOB)
    answers = await asyncio.gather(take(world.admin, subscription, BOB), take(bob, subscription, ADA))
    assert sum(answer.status == 204 for answer in answers) == 1
    (loser,) = (answer for answer in answers if answer.status != 204)
    assert loser.code in {"LastOwner", "SubscriptionNotFound"}


async def test_an_older_version_changes_nothing(world: World, subscription: str) -> None:
    old = (await give(world.admin, subscription, BOB, "Reader")).etag
    await give(world.admin, subscription, BOB, "Contributor")
    for stale in (
        await give(world.admin, subscription, BOB, "Owner", **{"If-Match": old}),
        await take(world.admin, subscription, BOB, **{"If-Match": old}),
    ):
        assert (stale.status, stale.code) == (412, "PreconditionFailed")
    nobody = await give(world.admin, subscription, "eve@example.com", "Reader", **{"If-Match": old})
    assert (nobody.status, nobody.code) == (412, "PreconditionFailed")
    now = (await world.admin.plans.get(address(subscription, BOB))).etag
    assert (await take(world.admin, subscription, BOB, **{"If-Match": now})).status == 204


@pytest.mark.parametrize(
    ("principal", "body"),
    [
        pytest.param("bob", {"role": "Administrator"}, id="no such role"),
        pytest.param("bob", {}, id="no role"),
        pytest.param("x" * 256, {"role": "Reader"}, id="too long"),
        pytest.param("a%00b", {"role": "Reader"}, id="a control character"),
    ],
)
async def test_what_is_no_assignment_is_refused(
    world: World, subscription: str, principal: str, body: object
) -> None:
    refused = await world.admin.plans.put(address(subscription, principal), body)
    assert (refused.status, refused.code) == (422, "InvalidRequest")


async def test_what_nobody_is_called_has_no_role(world: World, subscription: str) -> None:
    for principal in ("nobody", "x" * 256, "a%00b"):
        found = await world.admin.plans.get(address(subscription, principal))
        assert (found.status, found.code) == (404, "RoleAssignmentNotFound"), principal
        assert (await take(world.admin, subscription, principal)).status == 204, principal


async def test_a_principal_may_be_called_whatever_an_issuer_calls_it(world: World, subscription: str) -> None:
    name = "auth0%7C42%20%C3%A9"
    given = await give(world.admin, subscription, name, "Reader")
    assert (given.status, given.json["principal"]) == (201, "auth0|42 é")
    assert (await world.caller("auth0|42 é").plans.get(f"/v1/subscriptions/{subscription}")).status == 200


async def test_a_long_list_comes_in_pages(world: World, subscription: str) -> None:
    names = sorted(f"{uuid4()}@example.com" for _ in range(4))
    for name in names:
        await give(world.admin, subscription, name, "Reader")
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = "?limit=2" + (f"&cursor={cursor}" if cursor else "")
        page = (await world.admin.plans.get(address(subscription) + query)).json
        found += [one["principal"] for one in page["items"]]
        cursor = page.get("next_cursor")
    assert sorted(found) == sorted([ADA, *names])
    assert len(found) == 5
