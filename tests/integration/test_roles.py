"""May everybody do on a subscription what their role there allows, and nothing else?

A request that is allowed gets as far as what is wrong with it, which changes nothing.
"""

from typing import Final

import pytest

from tests.contract.documents import DOCUMENTS
from tests.support.service_calls import Answer, Caller
from tests.support.world import World

ROLES: Final = ("Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader")
_EVERYBODY: Final = set(ROLES)
_WRITERS: Final = {"Owner", "Contributor", "SecurityAdmin"}
_OWNER: Final = {"Owner"}

MATRIX: Final = {
    "GET ": _EVERYBODY,
    "PUT ": _OWNER,
    "GET /role-assignments": _OWNER,
    "GET /role-assignments/{principal}": _OWNER,
    "PUT /role-assignments/{principal}": _OWNER,
    "DELETE /role-assignments/{principal}": _OWNER,
    "POST /plan/preview": _WRITERS,
    "GET /plan": _EVERYBODY,
    "PUT /plan": _WRITERS,
    "PATCH /plan": _WRITERS,
    "POST /plan/cancel": _WRITERS,
    "POST /plan/undo": _WRITERS,
    "GET /sites": _EVERYBODY,
    "GET /sites/{name}": _EVERYBODY,
    "PUT /sites/{name}": _WRITERS,
    "PATCH /sites/{name}": _WRITERS,
    "DELETE /sites/{name}": _WRITERS,
    "GET /sensors": _EVERYBODY,
    "GET /sensors/{name}": _EVERYBODY,
    "PUT /sensors/{name}": _WRITERS,
    "PATCH /sensors/{name}": _WRITERS,
    "DELETE /sensors/{name}": _WRITERS,
    "POST /sensors/{name}/activation-file": _WRITERS,
    "POST /sensors/{name}/activate": _WRITERS,
    "POST /sensors/{name}/device-observations": _WRITERS,
    "GET /entitlements": _EVERYBODY,
    "GET /statements": _EVERYBODY,
    "GET /statements/{month}": _EVERYBODY,
    "GET /enterprise-iot": _EVERYBODY,
    "PUT /enterprise-iot": {"SecurityAdmin"},
    "DELETE /enterprise-iot": {"SecurityAdmin"},
    "GET /audit-events": _EVERYBODY,
    "GET /audit-events/verification": _EVERYBODY,
}
"""Who may do it, by the call on one subscription."""

CONSOLE_FILES: Final = "/v1/console-activation-files"
_ONE: Final = "/v1/subscriptions/{subscription_id}"
_NAMES: Final = {"{name}": "Press", "{month}": "2027-06", "{principal}": "ada@example.com"}
_START: Final = "2027-06-01T00:00:00Z"


def test_the_matrix_has_every_call_on_a_subscription() -> None:
    calls = {
        f"{method.upper()} {path.removeprefix(_ONE)}"
        for path, item in DOCUMENTS["plans"]["paths"].items()
        if path.startswith(_ONE)
        for method in item
    }
    assert calls == set(MATRIX)


async def test_a_role_allows_what_it_allows_and_nothing_else(world: World) -> None:
    await world.sandbox(_START)
    subscription: str = (await world.a_plan())["subscription_id"]
    await world.add_site(subscription, "Press")
    path = f"/v1/subscriptions/{subscription}"
    made = await world.admin.plans.put(f"{path}/sensors/Press", {"site": "Press"})
    assert made.status == 201, made
    for role in ROLES:
        given = await world.admin.plans.put(f"{path}/role-assignments/{role}", {"role": role})
        assert given.status == 201, given
    expected = {
        (call, who): (404, "SubscriptionNotFound")
        if who == "nobody"
        else (422, "InvalidRequest")
        if who in allowed
        else (403, "AuthorizationFailed")
        for call, allowed in MATRIX.items()
        for who in (*ROLES, "nobody")
    }
    found = {}
    async with world.expects():
        for call, who in expected:
            answer = await _try(world, subscription, call, who)
            found[call, who] = (answer.status, answer.code)
            if answer.status == 403:
                assert set(answer.json["required_roles"]) == MATRIX[call], call
    # Who has no role may be about to link it: whether it is linked is looked at after what they sent.
    del found["PUT ", "nobody"], expected["PUT ", "nobody"]
    assert found == expected


async def _try(world: World, subscription: str, call: str, who: str) -> Answer:
    """The call, with a query parameter that there is not."""
    method, rest = call.split(" ")
    for name, value in _NAMES.items():
        rest = rest.replace(name, value)
    body: object = None if method in {"GET", "DELETE"} else {}
    path = f"/v1/subscriptions/{subscription}{rest}?nonsense=1"
    # A directory role gives nothing here, even the highest.
    caller = world.caller(who, roles=["GlobalAdministrator"])
    return await caller.plans.send(method, path, body, headers={"If-Match": "*"})


@pytest.mark.parametrize(
    ("role", "status"),
    [("Owner", 201), ("Contributor", 201), ("SecurityAdmin", 201), ("SecurityReader", 201), ("Reader", 403)],
)
async def test_the_console_s_file_is_a_reader_s_too(world: World, role: str, status: int) -> None:
    subscription: str = (await world.a_plan())["subscription_id"]
    await _give(world, subscription, role)
    bob = world.caller("bob@example.com", roles=())
    asked = await bob.plans.post(CONSOLE_FILES, {"subscription_ids": [subscription]})
    assert asked.status == status, asked


async def test_who_may_not_download_the_console_s_file_sees_all_of_it_but_the_file(world: World) -> None:
    subscription: str = (await world.a_plan())["subscription_id"]
    made = await world.admin.plans.post(CONSOLE_FILES, {"subscription_ids": [subscription]})
    one = f"{CONSOLE_FILES}/{made.json['id']}"
    assert (await world.admin.plans.get(one)).json == made.json
    bob = world.caller("bob@example.com", roles=())
    for role in ROLES:
        await _give(world, subscription, role)
        expected = made.json | ({"file": None} if role == "Reader" else {})
        assert (await bob.plans.get(one)).json == expected, role
        assert (await bob.plans.get(CONSOLE_FILES)).json["items"] == [expected], role


async def test_a_console_s_file_is_seen_by_who_has_a_role_on_all_its_subscriptions(world: World) -> None:
    mine: str = (await world.a_plan())["subscription_id"]
    other: str = (await world.a_plan())["subscription_id"]
    made = await world.admin.plans.post(CONSOLE_FILES, {"subscription_ids": [mine, other]})
    await world.buy("OT_SITE_XS")
    await world.quiet()
    one = f"{CONSOLE_FILES}/{made.json['id']}"
    bob = world.caller("bob@example.com", roles=())
    await _give(world, mine, "Owner")
    unseen = await bob.plans.get(one)
    assert (unseen.status, unseen.code) == (404, "ConsoleFileNotFound")
    assert (await bob.plans.get(CONSOLE_FILES)).json["items"] == []
    assert "ConsoleFileSuperseded" not in await _notices(bob)
    superseded = made.json | {"status": "superseded"}
    for role, file in (("Reader", None), ("SecurityReader", made.json["file"])):
        await _give(world, other, role)
        assert (await bob.plans.get(one)).json == superseded | {"file": file}
        assert (await bob.plans.get(CONSOLE_FILES)).json["items"] == [superseded | {"file": file}]
        assert "ConsoleFileSuperseded" in await _notices(bob)
        assert await _notices(bob, f"?subscription_id={mine}") == ["ConsoleFileSuperseded"]


async def test_the_actions_of_a_license_say_to_a_reader_what_trying_them_gives(world: World) -> None:
    path = f"/v1/licenses/{(await world.buy())['id']}"
    reader = world.caller("bob@example.com", roles=["GlobalReader"])
    tried = await reader.licensing.post(f"{path}/cancel")
    assert (tried.status, tried.code) == (403, "AuthorizationFailed")
    one = (await reader.licensing.get(path)).json
    assert (await reader.licensing.get("/v1/licenses")).json["items"] == [one]
    assert {(action["allowed"], action["reason_code"]) for action in one["allowed_actions"]} == {
        (False, tried.code)
    }
    for action in one["allowed_actions"]:
        assert all(role in action["reason"] for role in tried.json["required_roles"])


async def test_the_actions_of_a_plan_are_those_of_the_role_on_its_subscription(world: World) -> None:
    changed: str = (await world.a_plan())["subscription_id"]
    seen: str = (await world.a_plan())["subscription_id"]
    bob = world.caller("bob@example.com")
    await _give(world, changed, "Contributor")
    await _give(world, seen, "Reader")
    tried = await bob.plans.post(f"/v1/subscriptions/{seen}/plan/cancel", {"agree": True})
    assert (tried.status, tried.code) == (403, "AuthorizationFailed")
    shown = {one["subscription_id"]: one for one in (await bob.plans.get("/v1/plans")).json["items"]}
    for subscription in (changed, seen):
        one = (await bob.plans.get(f"/v1/subscriptions/{subscription}/plan")).json
        assert shown[subscription]["allowed_actions"] == one["allowed_actions"]
    codes = {action["action"]: action["reason_code"] for action in shown[changed]["allowed_actions"]}
    assert codes == {
        "cancel": None,
        "edit": "ManagedInMicrosoft365",
        "undo": "NothingPending",
        "migrate": "ManagedInMicrosoft365",
    }
    for action in shown[seen]["allowed_actions"]:
        assert (action["allowed"], action["reason_code"]) == (False, tried.code)
        assert all(role in action["reason"] for role in tried.json["required_roles"])


async def _give(world: World, subscription: str, role: str) -> None:
    path = f"/v1/subscriptions/{subscription}/role-assignments/bob@example.com"
    given = await world.admin.plans.put(path, {"role": role})
    assert given.status < 300, given


async def _notices(caller: Caller, query: str = "") -> list[str]:
    return [one["code"] for one in (await caller.plans.get(f"/v1/notices{query}")).json["items"]]
