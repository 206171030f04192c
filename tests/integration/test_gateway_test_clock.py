"""How does a sandbox's clock behave for who makes, moves and watches it?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.support.gateway_clock_service import ClockService
from tests.support.gateway_system import Client, KeyFiles, running_gateway, serving, until

CLOCK = "/v1/test-clock"
ADVANCE = "/v1/test-clock/advance"
START = "2026-03-01T00:00:00Z"
ADMINISTRATOR = ("GlobalAdministrator",)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


@dataclass
class Answered:
    status: int
    body: Any
    headers: Any


class Tenant:
    """A tenant's calls about its clock."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.id = str(uuid4())
        self.headers: dict[str, str] = {}

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answered:
        sent = self.headers | {name.replace("_", "-"): value for name, value in headers.items()}
        options = {} if body is None else {"json": body}
        async with self.client.request(method, path, headers=sent, **options) as answer:
            return Answered(answer.status, await answer.json(content_type=None), answer.headers)

    async def identified(self, roles: tuple[str, ...] = ADMINISTRATOR) -> "Tenant":
        self.headers = await self.client.bearer(tenant=self.id, roles=roles)
        return self

    async def sandbox(self) -> "Tenant":
        await self.identified()
        assert (await self.call("PUT", CLOCK, {"now": START})).status == 201
        return self

    async def is_ready(self) -> bool:
        return bool((await self.call("GET", CLOCK)).body["status"] == "ready")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(Path(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
async def services(keys: KeyFiles) -> AsyncIterator[tuple[ClockService, ClockService]]:
    licensing, plans = ClockService("licensing", keys.signing), ClockService("plans", keys.signing)
    licensing.other, plans.other = plans, licensing
    async with serving(licensing, licensing.port), serving(plans, plans.port):
        yield licensing, plans


@pytest.fixture
def licensing(services: tuple[ClockService, ClockService]) -> ClockService:
    return services[0]


@pytest.fixture
def plans(services: tuple[ClockService, ClockService]) -> ClockService:
    return services[1]


@asynccontextmanager
async def gateway(keys: KeyFiles, services: tuple[ClockService, ClockService]) -> AsyncIterator[Client]:
    licensing, plans = services
    async with running_gateway(
        keys, licensing=licensing.url, plans=plans.url, settings={"test_clocks": True}
    ) as client:
        yield client


@pytest.fixture(scope="module")
async def client(keys: KeyFiles, services: tuple[ClockService, ClockService]) -> AsyncIterator[Client]:
    async with gateway(keys, services) as client:
        yield client


async def test_a_sandbox_has_a_clock_in_both_services(
    client: Client, licensing: ClockService, plans: ClockService
) -> None:
    tenant = await Tenant(client).identified()
    made = await tenant.call("PUT", CLOCK, {"now": "2026-03-01T02:00:00+02:00"})
    assert (made.status, made.body) == (201, {"now": START, "status": "ready"})
    assert licensing.tenant(tenant.id).now == plans.tenant(tenant.id).now == at(1)
    shown = await tenant.call("GET", CLOCK)
    assert (shown.status, shown.body) == (200, {"now": START, "status": "ready"})
    known = {"If_None_Match": shown.headers["ETag"]}
    assert (await tenant.call("GET", CLOCK, **known)).status == 304
    again = await tenant.call("PUT", CLOCK, {"now": START})
    assert (again.status, again.body["code"]) == (409, "NotASandbox")


async def test_making_a_sandbox_takes_an_administrator_whatever_else_is_wrong(client: Client) -> None:
    tenant = await Tenant(client).identified(roles=("GlobalReader",))
    refused = await tenant.call("PUT", CLOCK, {"nonsense": True})
    assert (refused.status, refused.body["code"]) == (403, "AuthorizationFailed")
    assert refused.body["required_roles"] == ["GlobalAdministrator"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"now": START, "more": 1},
        {"now": "2026-03-01"},
        {"now": "2026-03-01T00:00:00"},
        {"now": "2026-03-01T00:00:00.5Z"},
        {"now": 1_772_323_200},
        {"now": "1772323200"},
        {"now": None},
        {"now": "1999-12-31T00:00:00Z"},
        {"now": "9999-12-31T23:59:59-10:00"},
        [],
    ],
)
async def test_a_moment_is_a_whole_second_with_its_time_zone(client: Client, body: Any) -> None:
    tenant = await Tenant(client).identified()
    refused = await tenant.call("PUT", CLOCK, body)
    assert (refused.status, refused.body["code"]) == (422, "InvalidRequest")


async def test_a_query_is_refused_where_none_is_known(client: Client, licensing: ClockService) -> None:
    tenant = await Tenant(client).identified()

    async def refused(method: str, path: str, body: Any = None) -> bool:
        answer = await tenant.call(method, f"{path}?foo=1", body)
        return (answer.status, answer.body["errors"][0]["pointer"]) == (422, "foo")

    assert await refused("PUT", CLOCK, {"now": START})
    assert (await tenant.call("GET", CLOCK)).body["code"] == "NotASandbox"
    await tenant.call("PUT", CLOCK, {"now": START})
    assert await refused("GET", CLOCK)
    assert await refused("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
    assert licensing.tenant(tenant.id).now == at(1)


async def test_a_tenant_with_data_lives_by_the_worlds_clock(client: Client, plans: ClockService) -> None:
    tenant = await Tenant(client).identified()
    plans.tenant(tenant.id).sent = 1
    for method, path, body in (
        ("PUT", CLOCK, {"now": START}),
        ("GET", CLOCK, None),
        ("POST", ADVANCE, {"to": START}),
    ):
        refused = await tenant.call(method, path, body)
        assert (refused.status, refused.body["code"]) == (409, "NotASandbox")


async def test_a_call_that_got_half_way_is_completed_by_repeating_it(
    client: Client, licensing: ClockService, plans: ClockService
) -> None:
    tenant = await Tenant(client).identified()
    plans.refuses_to_create = True
    assert (await tenant.call("PUT", CLOCK, {"now": START})).status == 503
    plans.refuses_to_create = False
    assert licensing.tenant(tenant.id).now == at(1)
    assert (await tenant.call("GET", CLOCK)).status == 409
    other = await tenant.call("PUT", CLOCK, {"now": "2026-04-01T00:00:00Z"})
    assert other.status == 409
    assert START in other.body["detail"]
    assert (await tenant.call("PUT", CLOCK, {"now": START})).status == 201


async def test_what_is_due_on_the_way_is_done_at_its_own_time(
    client: Client, licensing: ClockService, plans: ClockService
) -> None:
    tenant = await Tenant(client).sandbox()
    licensing.tenant(tenant.id).due = [at(8), at(2)]
    plans.tenant(tenant.id).due = [at(3, 1), at(20)]
    await tenant.identified(roles=())
    moved = await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
    assert (moved.status, moved.body) == (200, {"now": "2026-03-10T00:00:00Z", "status": "ready"})
    assert licensing.tenant(tenant.id).done == [(at(2), at(2)), (at(8), at(8))]
    assert plans.tenant(tenant.id).done == [(at(3, 1), at(3, 1))]
    assert plans.tenant(tenant.id).received == 2
    assert (await tenant.call("GET", CLOCK)).body["status"] == "ready"


async def test_a_clock_never_moves_backwards(client: Client) -> None:
    tenant = await Tenant(client).sandbox()
    refused = await tenant.call("POST", ADVANCE, {"to": "2026-02-28T23:59:59Z"})
    assert (refused.status, refused.body["code"]) == (409, "ClockMovesForward")


async def test_standing_still_waits_until_the_tenant_is_quiet(
    client: Client, licensing: ClockService
) -> None:
    tenant = await Tenant(client).sandbox()
    licensing.tenant(tenant.id).due = [at(1)]
    moved = await tenant.call("POST", ADVANCE, {"to": START})
    assert moved.status == 200
    assert licensing.tenant(tenant.id).unsent == 0
    assert licensing.other.tenant(tenant.id).received == 1


async def test_a_long_walk_is_an_operation_that_can_be_watched(
    client: Client, plans: ClockService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.test_clock._ANSWERED_WITHIN", 0.05)
    tenant = await Tenant(client).sandbox()
    plans.tenant(tenant.id).due = [at(2)]
    plans.may_work.clear()
    accepted = await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
    assert accepted.status == 202
    assert accepted.headers["Retry-After"] == "1"
    location = accepted.headers["Operation-Location"]
    assert location == f"/v1/operations/{accepted.body['id']}"
    assert accepted.body == {
        "id": accepted.body["id"],
        "kind": "clock_advance",
        "status": "running",
        "created_at": START,
        "effective_at": "2026-03-10T00:00:00Z",
        "finished_at": None,
        "resource": "/v1/test-clock",
        "error": None,
    }
    clock = (await tenant.call("GET", CLOCK)).body
    assert clock == {"now": "2026-03-02T00:00:00Z", "status": "advancing"}
    joined = await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
    assert joined.headers["Operation-Location"] == location
    behind = await tenant.call("POST", ADVANCE, {"to": "2026-03-09T00:00:00Z"})
    assert (behind.status, behind.body["code"]) == (409, "ClockMovesForward")
    further = await tenant.call("POST", ADVANCE, {"to": "2026-03-11T00:00:00Z"})
    assert further.status == 202

    stranger = await Tenant(client).identified()
    assert (await stranger.call("GET", location)).status == 404
    plans.may_work.set()
    await until(tenant.is_ready)
    for one in (accepted, further):
        shown = await tenant.call("GET", one.headers["Operation-Location"])
        assert shown.status == 200
        assert shown.body["status"] == "succeeded"
        assert shown.body["finished_at"] == one.body["effective_at"]
    assert (await tenant.call("GET", CLOCK)).body["now"] == "2026-03-11T00:00:00Z"


@pytest.mark.parametrize("taken_up_by", ["look", "move"])
async def test_a_walk_cut_off_with_the_gateway_is_taken_up_by_the_next(
    keys: KeyFiles,
    services: tuple[ClockService, ClockService],
    monkeypatch: pytest.MonkeyPatch,
    taken_up_by: str,
) -> None:
    monkeypatch.setattr("gateway.test_clock._ANSWERED_WITHIN", 0.05)
    _, plans = services
    plans.may_work.clear()
    async with gateway(keys, services) as client:
        tenant = await Tenant(client).sandbox()
        plans.tenant(tenant.id).due = [at(2), at(5)]
        assert (await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})).status == 202
    plans.may_work.set()
    assert plans.tenant(tenant.id).advancing_to == at(10)
    async with gateway(keys, services) as client:
        tenant.client = client
        if taken_up_by == "look":
            assert (await tenant.call("GET", CLOCK)).body["status"] == "advancing"
        else:
            await tenant.call("POST", ADVANCE, {"to": "2026-03-12T00:00:00Z"})
        await until(tenant.is_ready)
        assert plans.tenant(tenant.id).done == [(at(2), at(2)), (at(5), at(5))]
        assert plans.tenant(tenant.id).now == at(10 if taken_up_by == "look" else 12)


async def test_a_walk_that_gets_nowhere_is_given_up_and_can_be_taken_up(
    client: Client, plans: ClockService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.test_clock._NO_PROGRESS", 0.1)
    monkeypatch.setattr("gateway.test_clock._ANSWERED_WITHIN", 0.02)
    tenant = await Tenant(client).sandbox()
    plans.tenant(tenant.id).due = [at(2)]
    plans.may_work.clear()
    accepted = await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
    location = accepted.headers["Operation-Location"]

    async def has_failed() -> bool:
        return bool((await tenant.call("GET", location)).body["status"] == "failed")

    await until(has_failed)
    assert (await tenant.call("GET", location)).body["error"]["code"] == "ServiceUnavailable"
    plans.may_work.set()
    monkeypatch.undo()
    assert (await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})).status == 200


async def test_a_walk_goes_on_after_a_service_was_away(
    keys: KeyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.test_clock._ANSWERED_WITHIN", 0.05)
    licensing, plans = ClockService("licensing", keys.signing), ClockService("plans", keys.signing)
    licensing.other, plans.other = plans, licensing
    impatient = {"test_clocks": True, "upstream_patience": 0.05}
    async with (
        serving(licensing, licensing.port),
        running_gateway(keys, licensing=licensing.url, plans=plans.url, settings=impatient) as client,
    ):
        async with serving(plans, plans.port):
            tenant = await Tenant(client).sandbox()
            plans.tenant(tenant.id).due = [at(2)]
            plans.may_work.clear()
            accepted = await tenant.call("POST", ADVANCE, {"to": "2026-03-10T00:00:00Z"})
            assert accepted.status == 202
        assert (await tenant.call("GET", CLOCK)).status == 503
        shown = await tenant.call("GET", accepted.headers["Operation-Location"])
        assert (shown.status, shown.body["status"]) == (200, "running")
        plans.may_work.set()
        async with serving(plans, plans.port):
            await until(tenant.is_ready)
            assert plans.tenant(tenant.id).done == [(at(2), at(2))]


async def test_a_key_brings_the_same_answer_again_and_only_for_the_same_request(client: Client) -> None:
    tenant = await Tenant(client).sandbox()
    first = await tenant.call("POST", ADVANCE, {"to": "2026-03-02T00:00:00Z"}, Idempotency_Key="k")
    assert first.status == 200
    assert "Idempotency-Replayed" not in first.headers
    assert (await tenant.call("POST", ADVANCE, {"to": "2026-03-03T00:00:00Z"})).status == 200
    again = await tenant.call("POST", ADVANCE, {"to": "2026-03-02T00:00:00Z"}, Idempotency_Key="k")
    assert (again.status, again.body) == (200, first.body)
    assert again.headers["Idempotency-Replayed"] == "true"
    reused = await tenant.call("POST", ADVANCE, {"to": "2026-03-04T00:00:00Z"}, Idempotency_Key="k")
    assert (reused.status, reused.body["code"]) == (422, "IdempotencyKeyReused")
    long = await tenant.call("POST", ADVANCE, {"to": "2026-03-04T00:00:00Z"}, Idempotency_Key="k" * 256)
    assert (long.status, long.body["code"]) == (422, "InvalidRequest")
    other = await Tenant(client).sandbox()
    own = await other.call("POST", ADVANCE, {"to": "2026-03-02T00:00:00Z"}, Idempotency_Key="k")
    assert "Idempotency-Replayed" not in own.headers


async def test_the_same_request_at_the_same_time_is_done_once(
    client: Client, plans: ClockService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.test_clock._ANSWERED_WITHIN", 0.2)
    tenant = await Tenant(client).sandbox()
    plans.tenant(tenant.id).due = [at(1)]
    plans.may_work.clear()
    calls = [
        asyncio.create_task(tenant.call("POST", ADVANCE, {"to": START}, Idempotency_Key="k"))
        for _ in range(2)
    ]
    answers = await asyncio.gather(*calls)
    plans.may_work.set()
    assert sorted(answer.status for answer in answers) == [202, 409]
    assert next(one for one in answers if one.status == 409).body["code"] == "RequestInProgress"
    await until(tenant.is_ready)


@pytest.mark.parametrize(("method", "path"), [("DELETE", CLOCK), ("GET", ADVANCE)])
async def test_other_methods_do_not_apply(client: Client, method: str, path: str) -> None:
    tenant = await Tenant(client).identified()
    assert (await tenant.call(method, path)).status == 405
