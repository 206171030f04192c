"""What becomes of a license by its holder's wishes and by time alone, and is every step of it told?"""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from tests.support.listening import Heard
from tests.support.service_calls import Answer
from tests.support.world import World

LICENSES: Final = "/v1/licenses"
START: Final = "2026-03-01T09:30:00Z"
END: Final = "2027-03-01T00:00:00Z"
TRIAL: Final = {"sku": "OT_SITE_TRIAL_L", "quantity": 1}


async def patch(world: World, license: Any, wish: Any, **headers: str) -> Answer:
    """Change the license as it was read."""
    headers = headers or {"If-Match": f'"{license["version"]}-as-read"'}
    return await world.admin.licensing.send("PATCH", f"{LICENSES}/{license['id']}", wish, headers=headers)


async def changed(world: World, license: Any, wish: Any) -> Any:
    answer = await patch(world, license, wish)
    assert answer.status == 200, answer
    return answer.json


async def act(world: World, license: Any, action: str, wish: Any = None) -> Answer:
    return await world.admin.licensing.post(f"{LICENSES}/{license['id']}/{action}", wish)


async def shown(world: World, license: Any) -> Any:
    answer = await world.admin.licensing.get(f"{LICENSES}/{license['id']}")
    assert answer.status == 200
    return answer.json


async def listed(world: World, query: str = "") -> list[str]:
    return [one["id"] for one in (await world.admin.licensing.get(LICENSES + query)).json["items"]]


def steps(heard: Sequence[Heard]) -> list[tuple[str, int, str]]:
    """What happened, which version it made, and when; in the order in which it was told."""
    return [
        (one.name, one.envelope.aggregateversion, f"{one.envelope.time:%Y-%m-%dT%H:%M:%SZ}") for one in heard
    ]


def history(world: World, license: Any) -> list[tuple[str, int, str]]:
    return steps([one for one in world.heard() if one.envelope.subject == f"license/{license['id']}"])


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


async def test_it_is_renewed_with_what_was_scheduled_and_can_be_cancelled_anew(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy("OT_SITE_L", 2)
    wish = {"renewal": {"sku": "OT_SITE_S", "quantity": 3, "billing_frequency": "monthly"}}
    planned = await changed(world, license, wish)
    assert planned["scheduled_change"] == wish["renewal"] | {"effective_at": END}
    assert (planned["sku"], planned["quantity"]) == ("OT_SITE_L", 2)
    await world.advance("2027-02-28T23:59:59Z")
    assert (await shown(world, license))["sku"] == "OT_SITE_L"

    async with world.expects("license.renewed") as heard:
        await world.advance("2027-04-01T00:00:00Z")  # with a month charged, of which nothing is told
    assert steps(heard) == [("license.renewed", 3, END)]
    (renewal,) = heard
    assert set(renewal.data["changed"]) >= {"sku", "site_size", "quantity", "term_start", "scheduled_change"}
    assert renewal.data["previous"]["sku"] == "OT_SITE_L"
    renewed = await shown(world, license)
    assert {name: renewal.state[name] for name in ("sku", "quantity", "term_start", "term_end")} == {
        "sku": "OT_SITE_S",
        "quantity": 3,
        "term_start": END,
        "term_end": "2028-03-01T00:00:00Z",
    }
    assert (renewed["scheduled_change"], renewed["cancellable_until"]) == (None, "2027-03-08T00:00:00Z")
    assert renewed["price"] == {"unit": money("65.63"), "total": money("196.89")}
    invoices = (await world.admin.licensing.get("/v1/invoices")).json["items"]
    assert [
        (invoice["period"]["from"][:7], [line["amount"] for line in invoice["lines"]]) for invoice in invoices
    ] == [("2026-03", ["3500.00"]), ("2027-03", ["196.89"]), ("2027-04", ["196.89"])]


async def test_within_a_week_of_its_renewal_it_is_cancelled_with_a_refund(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy("OT_SITE_L")
    await world.advance("2027-03-03T10:00:00Z")
    async with world.expects("license.cancelled"):
        done = await world.cancel(license["id"])
    assert done["refund"] == money("1735.66")  # day 3 of 366: 1,750.00 x 363/366 = 1,735.6557
    assert [(name, version) for name, version, _ in history(world, license)] == [
        ("license.purchased", 1),
        ("license.renewed", 2),
        ("license.cancelled", 3),
    ]


async def test_not_renewed_it_is_announced_expires_is_disabled_and_deleted(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy(auto_renew=False)
    seen = []
    for now in ("2027-02-01T00:00:00Z", END, "2027-03-31T00:00:00Z", "2027-06-29T00:00:00Z"):
        await world.advance(now)
        one = await shown(world, license)
        seen.append((one["status"], one["grace_ends_at"], one["disabled_ends_at"], one["version"]))
    assert seen == [
        ("active", None, None, 2),
        ("expired", "2027-03-31T00:00:00Z", None, 3),
        ("disabled", None, "2027-06-29T00:00:00Z", 4),
        ("deleted", None, None, 5),
    ]
    await world.quiet()
    assert history(world, license) == [
        ("license.purchased", 1, START),
        ("license.expiring", 2, "2027-01-30T00:00:00Z"),
        ("license.expired", 3, END),
        ("license.disabled", 4, "2027-03-31T00:00:00Z"),
        ("license.deleted", 5, "2027-06-29T00:00:00Z"),
    ]
    assert await listed(world) == []
    assert await listed(world, "?status=deleted") == [license["id"]]
    audit = (await world.admin.licensing.get("/v1/audit-events")).json["items"]
    assert [(one["action"], one["actor"], one["at"]) for one in audit[1:]] == [
        (name, "siteward", when) for name, _, when in history(world, license)[1:]
    ]


async def test_each_step_has_its_bucket_in_the_summary(world: World) -> None:
    await world.sandbox(START)
    await world.buy("OT_SITE_L", 2, auto_renew=False)
    cancelled = await world.buy("OT_SITE_L", 3)
    await world.cancel(cancelled["id"])
    seen = []
    for now in (START, END, "2027-03-31T00:00:00Z", "2027-06-29T00:00:00Z"):
        await world.advance(now)
        items = (await world.admin.licensing.get("/v1/license-summary")).json["items"]
        seen.append(
            [
                tuple(
                    item[name]
                    for name in ("enabled", "warning", "suspended", "locked_out", "next_lifecycle_at")
                )
                for item in items
            ]
        )
    assert seen == [
        [(2, 0, 0, 3, "2026-05-30T09:30:00Z")],
        [(0, 2, 0, 0, "2027-03-31T00:00:00Z")],
        [(0, 0, 2, 0, "2027-06-29T00:00:00Z")],
        [],
    ]


async def test_auto_renew_goes_off_and_on_and_off_drops_what_was_scheduled(world: World) -> None:
    license = await world.buy(quantity=2)
    async with world.expects(
        "license.change_scheduled", "license.auto_renew_changed", "license.auto_renew_changed"
    ) as heard:
        planned = await changed(world, license, {"renewal": {"quantity": 1}})
        off = await changed(world, planned, {"auto_renew": False})
        again = await changed(world, off, {"auto_renew": False})
        on = await changed(world, again, {"auto_renew": True})
    assert (planned["scheduled_change"]["quantity"], off["scheduled_change"]) == (1, None)
    assert (off["version"], again["version"], on["version"]) == (3, 3, 4)
    assert sorted(heard[1].data["changed"]) == ["auto_renew", "scheduled_change"]
    refused = await patch(world, off | {"version": 4}, {"renewal": {"sku": "OT_SITE_TRIAL_L"}})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/renewal/sku")


@pytest.mark.parametrize(
    "renewal", [{}, {"quantity": 2}, {"sku": "OT_SITE_L", "billing_frequency": "annual"}]
)
async def test_a_trial_has_no_renewal_to_schedule_anything_for(world: World, renewal: dict[str, Any]) -> None:
    trial = (await world.admin.licensing.post(LICENSES, TRIAL)).json
    (said,) = (one for one in trial["allowed_actions"] if one["action"] == "schedule_change")
    refused = await patch(world, trial, {"renewal": renewal})
    assert (refused.status, refused.code) == (409, "LicenseNotActive")
    assert (said["allowed"], said["reason_code"]) == (False, refused.code)
    assert await shown(world, trial) == trial


async def test_turned_off_shortly_before_its_end_it_is_announced_at_once(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy()
    await world.advance("2027-02-10T08:00:00Z")
    async with world.expects("license.auto_renew_changed", "license.expiring") as heard:
        off = await changed(world, license, {"auto_renew": False})
    assert steps(heard) == [
        ("license.auto_renew_changed", 2, "2027-02-10T08:00:00Z"),
        ("license.expiring", 3, "2027-02-10T08:00:00Z"),
    ]
    assert off["version"] == 3


async def test_a_trial_that_is_to_be_converted_goes_on_as_the_paid_license(world: World) -> None:
    await world.sandbox(START)
    trial = (await world.admin.licensing.post(LICENSES, TRIAL)).json
    assert (trial["term_end"], trial["price"]) == ("2026-04-30T00:00:00Z", None)
    wish = {"when": "at_end", "sku": "OT_SITE_M", "quantity": 2}
    planned = await act(world, trial, "convert", wish)
    assert (planned.status, planned.json["status"], planned.json["auto_renew"]) == (200, "trial", True)
    await world.advance("2026-05-01T00:00:00Z")
    paid = await shown(world, trial)
    assert (paid["status"], paid["sku"], paid["quantity"]) == ("active", "OT_SITE_M", 2)
    assert (paid["term_start"], paid["term_end"]) == ("2026-04-30T00:00:00Z", "2027-04-30T00:00:00Z")
    await world.quiet()
    assert history(world, trial) == [
        ("trial.started", 1, START),
        ("license.change_scheduled", 2, START),
        ("trial.converted", 3, "2026-04-30T00:00:00Z"),
    ]
    invoices = (await world.admin.licensing.get("/v1/invoices")).json["items"]
    assert [(one["period"]["from"][:7], one["total"]) for one in invoices] == [("2026-04", money("2400.00"))]
    another = await world.admin.licensing.post(LICENSES, TRIAL)
    assert (another.status, another.code) == (409, "TrialAlreadyUsed")


async def test_a_trial_is_extended_once_in_its_last_15_days_and_then_expires(world: World) -> None:
    await world.sandbox(START)
    trial = (await world.admin.licensing.post(LICENSES, TRIAL)).json
    await world.advance("2026-04-14T23:59:59Z")
    early = await act(world, trial, "extend-trial")
    assert (early.status, early.code) == (409, "TrialExtensionNotAllowed")
    await world.advance("2026-04-15T00:00:00Z")
    extended = (await act(world, trial, "extend-trial")).json
    assert (extended["term_end"], extended["trial_extended"]) == ("2026-05-30T00:00:00Z", True)
    await world.advance("2026-05-20T00:00:00Z")
    twice = await act(world, trial, "extend-trial")
    assert (twice.status, twice.code) == (409, "TrialExtensionNotAllowed")
    await world.advance("2026-05-30T00:00:00Z")
    assert (await shown(world, trial))["status"] == "expired"
    again = await act(world, trial, "reactivate")
    assert (again.status, again.code) == (409, "TrialAlreadyUsed")
    await world.quiet()
    assert history(world, trial) == [
        ("trial.started", 1, START),
        ("license.expiring", 2, "2026-03-31T00:00:00Z"),
        ("trial.extended", 3, "2026-04-15T00:00:00Z"),
        ("license.expiring", 4, "2026-04-30T00:00:00Z"),
        ("license.expired", 5, "2026-05-30T00:00:00Z"),
    ]
    assert (await world.admin.licensing.get("/v1/invoices")).json["items"] == []


async def test_an_expired_license_is_taken_up_again_as_a_new_one(world: World) -> None:
    await world.sandbox(START)
    license = await world.buy("OT_SITE_L", 2, auto_renew=False)
    early = await act(world, license, "reactivate")
    assert (early.status, early.code) == (409, "LicenseNotExpired")
    await world.advance("2027-03-30T23:59:59Z")
    async with world.expects("license.deleted", "license.reactivated") as heard:
        made = await act(world, license, "reactivate")
    new = made.json
    assert (made.status, made.headers["Location"]) == (201, f"{LICENSES}/{new['id']}")
    assert (new["sku"], new["quantity"], new["version"]) == ("OT_SITE_L", 2, 1)
    assert (new["term_start"], new["term_end"]) == ("2027-03-30T23:59:59Z", "2028-03-30T00:00:00Z")
    by_name = {one.name: one for one in heard}
    assert by_name["license.deleted"].envelope.partitionkey == license["id"]
    assert by_name["license.deleted"].envelope.aggregateversion == 4
    assert by_name["license.reactivated"].envelope.partitionkey == new["id"]
    assert by_name["license.reactivated"].envelope.aggregateversion == 1
    assert (await shown(world, license))["status"] == "deleted"
    assert await listed(world) == [new["id"]]


async def test_a_change_needs_the_version_that_was_read(world: World) -> None:
    license = await world.buy(quantity=2)
    path = f"{LICENSES}/{license['id']}"
    await world.quiet()
    before = await world.rows()
    missing = await world.admin.licensing.send("PATCH", path, {"quantity": 3})
    assert (missing.status, missing.code) == (428, "PreconditionRequired")
    stale = await patch(world, license, {"quantity": 3}, **{"If-Match": '"2-x"'})
    assert (stale.status, stale.code) == (412, "PreconditionFailed")
    assert await world.rows() == before
    unreadable = await world.admin.licensing.send("PATCH", path, {"quantity": 0})
    assert unreadable.status == 422  # what is wrong with the body comes first
    for path in (f"{LICENSES}/none", f"{LICENSES}/{World(world.services).tenant}"):
        unknown = await world.admin.licensing.send("PATCH", path, {"quantity": 3})
        assert (unknown.status, unknown.code) == (404, "LicenseNotFound")
    reader = world.caller(roles=["GlobalReader"])
    assert (await reader.licensing.send("PATCH", f"{LICENSES}/{license['id']}", {})).status == 403


@pytest.mark.parametrize(
    "wish",
    [
        {},
        {"auto_renew": True, "quantity": 2},
        {"quantity": 2, "renewal": {"quantity": 1}},
        {"auto_renew": False, "quantity": 2, "renewal": {"quantity": 1}},
        {"quantity": None},
        {"quantity": 0},
        {"quantity": 2.5},
        {"quantity": "2"},
        {"quantity": 1_000_001},
        {"auto_renew": "no"},
        {"renewal": {"quantity": 0}},
        {"renewal": {"billing_frequency": "weekly"}},
        {"renewal": {"sku": "NO_SUCH_SKU"}},
        {"renewal": {"sku": "EIOT_DEVICE"}},
        {"status": "deleted"},
    ],
)
async def test_exactly_one_thing_is_changed_at_a_time(world: World, wish: Any) -> None:
    license = await world.buy(quantity=2)
    async with world.expects():
        refused = await patch(world, license, wish)
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert refused.json["errors"]


async def test_a_dry_run_of_a_change_shows_it_and_leaves_all_as_it_was(world: World) -> None:
    license = await world.buy(quantity=2)
    await world.quiet()
    before = await world.rows()
    tried = await world.admin.licensing.send(
        "PATCH",
        f"{LICENSES}/{license['id']}?dry_run=true",
        {"quantity": 5},
        headers={"If-Match": '"1-x"'},
    )
    assert (tried.status, tried.json["quantity"], tried.json["version"]) == (200, 5, 2)
    assert (await shown(world, license)) == license
    assert await world.rows() == before
