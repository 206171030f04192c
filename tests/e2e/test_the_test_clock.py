"""Does a sandbox's time pass for both services, and for nobody else?"""

from uuid import UUID, uuid4

import pytest

from deploy.local.client import Client
from tests.support.calls import add_plan, assert_refused, buy, link, previewed

CLOCK = "/v1/test-clock"
ADVANCE = "/v1/test-clock/advance"
START = "2026-03-01T09:30:00Z"


@pytest.fixture
async def sandbox(caller: Client) -> Client:
    answer = await caller.send("PUT", CLOCK, {"now": START})
    assert (answer.status, answer.body) == (201, {"now": START, "status": "ready"})
    return caller


async def test_after_eight_days_a_license_can_no_longer_be_cancelled(sandbox: Client) -> None:
    license = await buy(sandbox)
    assert license["purchased_at"] == START
    assert license["cancellable_until"] == "2026-03-08T09:30:00Z"
    subscription = await link(sandbox)
    await previewed(sandbox, subscription, {"L": 1})
    assert (await add_plan(sandbox, subscription))["terms_accepted_at"] == START

    answer = await sandbox.send("POST", ADVANCE, {"to": "2026-03-09T09:30:00Z"})
    assert (answer.status, answer.body) == (200, {"now": "2026-03-09T09:30:00Z", "status": "ready"})

    cancel = await sandbox.send("POST", f"/v1/licenses/{license['id']}/cancel", {})
    problem = assert_refused(cancel, 409, "CancellationWindowClosed")
    assert "2026-03-08T09:30:00Z" in problem["detail"]
    action = (await sandbox.send("GET", f"/v1/licenses/{license['id']}")).body["allowed_actions"][0]
    assert (action["allowed"], action["reason_code"]) == (False, "CancellationWindowClosed")
    assert (await buy(sandbox))["purchased_at"] == "2026-03-09T09:30:00Z"


async def test_the_window_is_open_to_its_last_second(sandbox: Client) -> None:
    license = await buy(sandbox)
    await sandbox.send("POST", ADVANCE, {"to": "2026-03-08T09:29:59Z"})
    cancel = await sandbox.send("POST", f"/v1/licenses/{license['id']}/cancel", {})
    # Eight days are used: 1,750.00 x 357 / 365.
    assert (cancel.status, cancel.body["refund"]) == (200, {"amount": "1711.64", "currency": "USD"})


async def test_an_advance_waits_until_the_plan_has_followed(sandbox: Client) -> None:
    subscription = await link(sandbox)
    await buy(sandbox, "OT_SITE_M", 2)
    assert (await sandbox.send("POST", ADVANCE, {"to": START})).status == 200
    preview = (await sandbox.send("POST", f"{subscription}/plan/preview")).body
    assert [(one["site_size"], one["quantity"]) for one in preview["licensed_sites"]] == [("M", 2)]


async def test_thirty_days_after_the_last_license_the_service_stops(sandbox: Client) -> None:
    license = await buy(sandbox)
    subscription = await link(sandbox)
    await previewed(sandbox, subscription, {"L": 1})
    await add_plan(sandbox, subscription)
    await sandbox.send("POST", f"/v1/licenses/{license['id']}/cancel", {})
    for to, state in (
        ("2026-03-31T09:29:59Z", "grace"),
        ("2026-03-31T09:30:00Z", "stopped"),
        ("2026-07-01T00:00:00Z", "purged"),
    ):
        assert (await sandbox.send("POST", ADVANCE, {"to": to})).status == 200
        assert (await sandbox.send("GET", f"{subscription}/plan")).body["service_state"] == state


async def test_an_hour_after_its_cancel_a_plan_ends_and_its_operation_says_so(sandbox: Client) -> None:
    license = await buy(sandbox)
    subscription = await link(sandbox)
    await previewed(sandbox, subscription, {"L": 1})
    await add_plan(sandbox, subscription)
    accepted = await sandbox.send("POST", f"{subscription}/plan/cancel", {"agree": True})
    assert (accepted.status, accepted.body["licenses_kept"]) == (202, [license["id"]])
    operation = accepted.headers["Operation-Location"]
    for to, status, plan in (
        ("2026-03-01T10:29:59Z", "not_started", "cancel_pending"),
        ("2026-03-01T10:30:00Z", "succeeded", "cancelled"),
    ):
        assert (await sandbox.send("POST", ADVANCE, {"to": to})).status == 200
        assert (await sandbox.send("GET", operation)).body["status"] == status
        assert (await sandbox.send("GET", f"{subscription}/plan")).body["status"] == plan


async def test_a_clock_moves_forward_only(sandbox: Client) -> None:
    assert_refused(
        await sandbox.send("POST", ADVANCE, {"to": "2026-03-01T09:29:59Z"}), 409, "ClockMovesForward"
    )
    assert_refused(await sandbox.send("PUT", CLOCK, {"now": START}), 409, "NotASandbox")
    assert (await sandbox.send("GET", CLOCK)).body == {"now": START, "status": "ready"}


async def test_a_tenant_with_licenses_cannot_become_a_sandbox(caller: Client) -> None:
    await buy(caller)
    assert_refused(await caller.send("PUT", CLOCK, {"now": START}), 409, "NotASandbox")
    assert_refused(await caller.send("POST", ADVANCE, {"to": START}), 409, "NotASandbox")
    assert_refused(await caller.send("GET", CLOCK), 409, "NotASandbox")


async def test_nor_can_one_with_a_subscription(caller: Client) -> None:
    await link(caller)
    assert_refused(await caller.send("PUT", CLOCK, {"now": START}), 409, "NotASandbox")


async def test_only_an_administrator_makes_a_clock(stranger: Client, tenant: UUID) -> None:
    reader = await stranger.with_token(tenant, roles=("GlobalReader",))
    assert_refused(await reader.send("PUT", CLOCK, {"now": START}), 403, "AuthorizationFailed")


@pytest.mark.parametrize(
    "now", [None, "yesterday", "2026-03-01", "2026-03-01T09:30:00", "2026-03-01T09:30:00.5Z"]
)
async def test_a_clock_needs_a_whole_second(caller: Client, now: str | None) -> None:
    assert_refused(await caller.send("PUT", CLOCK, {"now": now}), 422, "InvalidRequest")


async def test_another_tenant_lives_in_its_own_time(sandbox: Client, stranger: Client) -> None:
    other = await stranger.with_token(uuid4())
    await buy(sandbox)
    assert not (await buy(other))["purchased_at"].startswith("2026-03-01")
