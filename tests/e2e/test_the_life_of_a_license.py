"""Two years in the life of a tenant's licenses, over a leap day and two turns of the year, through the gateway."""

import asyncio
from typing import Any, Final

import orjson
import pytest

from deploy.local.client import Answer, Client
from deploy.local.places import PROJECT
from tests.support.calls import add_plan, assert_refused, buy, link, previewed
from tests.support.eventually import eventually

CLOCK: Final = "/v1/test-clock"
LICENSES: Final = "/v1/licenses"
START: Final = "2027-11-30T14:00:00Z"
XS_MONTH: Final = "52.50"
"""Two extra small sites for a month."""
BILLED: Final = (
    {
        "2027-11": "3578.75",  # 2 x 1,750.00 for a year, 3 x 26.25 for a month
        # 1,750.00 x 364/366 = 1,740.4372, of which 1,750.00 x 360/366 = 1,721.3115 comes back;
        # 26.25 - 12 x 26.25 x 6/366 = 21.0861 comes back too; and on the 30th two for a month.
        "2027-12": "50.54",
        "2028-02": "802.50",  # the trial is a small site for 750.00 from the 29th on
        "2028-11": "1802.50",  # one large site for another year
        "2028-12": "-1687.91",  # of which 1,750.00 x 363/365 = 1,740.4110 comes back
        "2029-02": "802.50",  # and the small site too
    }
    | {f"2028-{month:02}": XS_MONTH for month in (1, *range(3, 11))}
    | {f"2029-{month:02}": XS_MONTH for month in (1, *range(3, 11), 12)}
)
"""By month; nothing is charged in November 2029, when the extra small sites have ended."""


async def siteward(*arguments: str, given: bytes) -> int:
    """The exit code of the command, which reads `given`."""
    process = await asyncio.create_subprocess_exec(
        PROJECT / "siteward",
        *arguments,
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(given)
    assert process.returncode is not None
    return process.returncode


@pytest.fixture
async def sandbox(caller: Client) -> Client:
    assert (await caller.send("PUT", CLOCK, {"now": START})).status == 201
    return caller


async def advance(caller: Client, to: str) -> None:
    """Move the clock, and return once it stands there and the tenant is quiet."""
    answer = await caller.send("POST", f"{CLOCK}/advance", {"to": to})
    assert answer.status in {200, 202}, answer

    async def now() -> Any:
        return (await caller.send("GET", CLOCK)).body

    await eventually(now, until=lambda clock: clock == {"now": to, "status": "ready"}, within=60)


async def shown(caller: Client, license: Any) -> Answer:
    return await caller.send("GET", f"{LICENSES}/{license['id']}")


async def change(caller: Client, license: Any, wish: Any) -> Answer:
    """Change the license as it is now."""
    etag = (await shown(caller, license)).headers["ETag"]
    return await caller.send("PATCH", f"{LICENSES}/{license['id']}", wish, headers={"If-Match": etag})


async def changed(caller: Client, license: Any, wish: Any) -> Any:
    answer = await change(caller, license, wish)
    assert answer.status == 200, answer
    return answer.body


async def act(caller: Client, license: Any, action: str, wish: Any) -> Any:
    answer = await caller.send("POST", f"{LICENSES}/{license['id']}/{action}", wish)
    assert answer.status in {200, 201}, answer
    return answer.body


async def every(caller: Client, path: str) -> list[Any]:
    """The items of all pages."""
    found: list[Any] = []
    following = f"{path}?limit=20"
    while following:
        page = await caller.send("GET", following)
        assert page.status == 200, page
        found += page.body["items"]
        cursor = page.body.get("next_cursor")
        following = cursor and f"{path}?limit=20&cursor={cursor}"
    return found


async def test_two_years_are_billed_to_the_cent_and_audited_without_a_gap(
    sandbox: Client,
) -> None:
    large = await buy(sandbox, "OT_SITE_L", 2)
    order = {"sku": "OT_SITE_XS", "quantity": 3, "billing_frequency": "monthly"}
    small = (await sandbox.send("POST", LICENSES, order)).body
    assert large["term_end"] == "2028-11-30T00:00:00Z"

    await advance(sandbox, "2027-12-02T10:00:00Z")
    grown = await changed(sandbox, large, {"quantity": 3})
    assert [(batch["quantity"], batch["until"]) for batch in grown["reducible"]] == [
        (2, "2027-12-07T14:00:00Z"),
        (1, "2027-12-09T10:00:00Z"),
    ]
    await advance(sandbox, "2027-12-05T10:00:00Z")
    assert (await changed(sandbox, large, {"quantity": 2}))["scheduled_change"] is None
    await changed(sandbox, small, {"quantity": 2})
    await advance(sandbox, "2027-12-09T10:00:00Z")
    later = await changed(sandbox, large, {"quantity": 1})
    assert (later["quantity"], later["scheduled_change"]["effective_at"]) == (2, "2028-11-30T00:00:00Z")

    await advance(sandbox, "2027-12-31T23:00:00Z")
    trial = (await sandbox.send("POST", LICENSES, {"sku": "OT_SITE_TRIAL_L", "quantity": 1})).body
    assert trial["term_end"] == "2028-02-29T00:00:00Z"
    await act(sandbox, trial, "convert", {"when": "at_end", "sku": "OT_SITE_S", "quantity": 1})
    await advance(sandbox, "2028-02-28T23:59:59Z")
    assert (await shown(sandbox, trial)).body["status"] == "trial"
    await advance(sandbox, "2028-02-29T00:00:00Z")
    converted = (await shown(sandbox, trial)).body
    assert (converted["status"], converted["sku"]) == ("active", "OT_SITE_S")
    assert converted["term_end"] == "2029-02-28T00:00:00Z"

    await advance(sandbox, "2028-12-01T10:00:00Z")
    renewed = (await shown(sandbox, large)).body
    assert (renewed["quantity"], renewed["term_start"]) == (1, "2028-11-30T00:00:00Z")
    cancelled = await act(sandbox, large, "cancel", {})
    assert cancelled["refund"] == {"amount": "1740.41", "currency": "USD"}
    await changed(sandbox, small, {"auto_renew": False})
    await advance(sandbox, "2029-03-01T10:00:00Z")
    assert (await shown(sandbox, large)).body["status"] == "deleted"
    assert (await shown(sandbox, trial)).body["term_end"] == "2030-02-28T00:00:00Z"

    await advance(sandbox, "2029-12-29T23:00:00Z")
    assert (await shown(sandbox, small)).body["grace_ends_at"] == "2029-12-30T00:00:00Z"
    again = await act(sandbox, small, "reactivate", {})
    assert (again["quantity"], again["term_end"]) == (2, "2030-12-29T00:00:00Z")
    await advance(sandbox, "2030-01-01T00:00:00Z")

    await _every_invoice_can_be_recomputed(sandbox)
    await _all_is_audited(sandbox, large, small, trial, again)


async def _every_invoice_can_be_recomputed(caller: Client) -> None:
    invoices = await every(caller, "/v1/invoices")
    assert {one["period"]["from"][:7]: one["total"]["amount"] for one in invoices} == BILLED
    assert {one["status"] for one in invoices} == {"closed"}
    assert len({one["number"] for one in invoices}) == len(invoices)
    for one in invoices:
        invoice = await caller.send("GET", f"/v1/invoices/{one['id']}")
        assert invoice.body == one
        assert await siteward("recompute", given=invoice.content) == 0


async def _all_is_audited(caller: Client, *licenses: Any) -> None:
    async def verification() -> Any:
        return (await caller.send("GET", "/v1/audit-events/verification")).body

    found = await eventually(verification, until=lambda found: not found["unsealed"])
    assert (found["valid"], found["first_broken_sequence"]) == (True, None)
    events = await every(caller, "/v1/audit-events")
    assert await siteward("verify-audit", given=orjson.dumps(events)) == 0
    events[len(events) // 2]["actor"] = "somebody else"
    assert await siteward("verify-audit", given=orjson.dumps(events)) == 1
    for license in licenses:
        versions = [
            one["after"]["version"] for one in events if one["resource"] == f"license/{license['id']}"
        ]
        assert versions == list(range(1, (await shown(caller, license)).body["version"] + 1))


async def test_a_license_is_not_reduced_below_the_sites_that_use_it(sandbox: Client) -> None:
    license = await buy(sandbox, "OT_SITE_L", 2)
    subscription = await link(sandbox)
    await previewed(sandbox, subscription, {"L": 2})
    await add_plan(sandbox, subscription)
    for name in ("press", "mill"):
        made = await sandbox.send(
            "PUT", f"{subscription}/sites/{name}", {"display_name": name, "site_size": "L"}
        )
        assert made.status == 201, made
    await advance(sandbox, START)  # to now: returns once licensing has heard of the sites
    used = (await shown(sandbox, license)).body
    assert (used["assigned"], used["assigned_as_of"]) == (2, START)
    assert_refused(await change(sandbox, license, {"quantity": 1}), 409, "LicenseInUse")
    assert (await sandbox.send("DELETE", f"{subscription}/sites/mill")).status == 204
    await advance(sandbox, START)
    assert (await shown(sandbox, license)).body["assigned"] == 1
    assert (await change(sandbox, license, {"quantity": 1})).status == 200
