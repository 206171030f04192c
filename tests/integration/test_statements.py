"""What does a subscription's plan cost, month by month, and does it stay so?"""

import asyncio
import csv
import io
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest

from shared.clock import wall_clock
from tests.support.eventually import eventually
from tests.support.legacy_plans import import_plan, patch, plan_path
from tests.support.service_calls import Answer
from tests.support.world import World

ROOT: Final = Path(__file__).parents[2]
CSV: Final = {"Accept": "text/csv"}
PDF: Final = {"Accept": "application/pdf"}


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


async def confirm_edit(world: World, subscription: str, *, devices: int) -> None:
    """Confirm now what takes effect an hour later."""
    answer = await patch(world, subscription, committed_devices=devices)
    assert answer.status == 202, answer


async def confirm_cancel(world: World, subscription: str) -> None:
    assert (await world.admin.plans.post(f"{plan_path(subscription)}/cancel", {"agree": True})).status == 202


def path(subscription: str, month: str = "") -> str:
    return f"/v1/subscriptions/{subscription}/statements{month and '/' + month}"


async def statement(world: World, subscription: str, month: str) -> Any:
    answer = await world.admin.plans.get(path(subscription, month))
    assert answer.status == 200, answer
    return answer.json


async def statements(world: World, subscription: str) -> list[Any]:
    found: list[Any] = (await world.admin.plans.get(path(subscription))).json["items"]
    return found


def amounts(shown: Any) -> list[str]:
    return [line["amount"] for line in shown["lines"]]


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


async def recomputed(answer: Answer) -> int:
    """The exit code of `siteward recompute -`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "shared.offline",
        "recompute",
        "-",
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(answer.body)
    assert process.returncode is not None
    return process.returncode


async def test_an_edit_in_june_is_charged_by_the_time_each_commitment_held(world: World) -> None:
    await world.sandbox("2026-06-01T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-01T00:00:00Z")
    await world.advance("2026-06-15T23:00:00Z")
    await confirm_edit(world, subscription, devices=1500)
    await world.advance("2026-06-19T00:00:00Z")
    draft = await statement(world, subscription, "2026-06")
    assert (draft["status"], draft["total"]) == ("draft", money("910.00"))
    assert await statements(world, subscription) == [draft]

    async with world.expects("statement.closed") as heard:
        await world.advance("2026-07-01T00:00:00Z")
    closed = await statement(world, subscription, "2026-06")
    assert (closed["status"], amounts(closed), closed["total"]) == (
        "closed",
        ["700.00", "1050.00"],
        money("1750.00"),
    )
    assert closed["period"] == {"from": "2026-06-01T00:00:00Z", "to": "2026-07-01T00:00:00Z"}
    assert (closed["closes_at"], closed["note"]) == ("2026-07-01T00:00:00Z", None)
    (event,) = heard
    assert event.envelope.subject == f"statement/{subscription}/2026-06"
    assert (event.envelope.aggregateversion, event.envelope.partitionkey) == (1, subscription)
    assert event.envelope.time == moment("2026-07-01T00:00:00Z")
    assert event.state == closed


async def test_an_edit_confirmed_before_midnight_of_the_month_s_end_changes_the_next_month_alone(
    world: World,
) -> None:
    await world.sandbox("2026-06-01T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-01T00:00:00Z")
    await world.advance("2026-06-30T23:30:00Z")
    await confirm_edit(world, subscription, devices=1500)
    await world.advance("2026-08-01T00:00:00Z")
    june = await statement(world, subscription, "2026-06")
    july = await statement(world, subscription, "2026-07")
    assert amounts(june) == ["1400.00"]
    assert amounts(july) == ["0.94", "2098.59"]
    assert [(line["from"], line["to"]) for line in july["lines"]] == [
        ("2026-07-01T00:00:00Z", "2026-07-01T00:30:00Z"),
        ("2026-07-01T00:30:00Z", "2026-08-01T00:00:00Z"),
    ]


async def test_a_draft_at_the_end_of_its_month_is_what_was_closed(world: World) -> None:
    await world.sandbox("2026-01-10T12:34:56Z")
    subscription = await import_plan(
        world, started_at="2026-01-10T12:34:56Z", price_plan="annual", committed_devices=700
    )
    await world.advance("2026-01-31T23:59:59Z")
    draft = await statement(world, subscription, "2026-01")
    await world.advance("2026-02-01T00:00:00Z")
    closed = await statement(world, subscription, "2026-01")
    assert closed["lines"][0]["in_effect"] == draft["lines"][0]["in_effect"] + 1
    assert (await statement(world, subscription, "2026-02"))["lines"] == []


async def test_months_are_closed_in_order_after_the_clock_has_leapt(world: World) -> None:
    await world.sandbox("2027-11-15T00:00:00Z")
    subscription = await import_plan(world, started_at="2027-11-15T00:00:00Z")
    # Not month by month: as a worker finds it that was away.
    async with world.expects(*["statement.closed"] * 4) as heard:
        assert (await world.admin.plans.put("/internal/test-clock", {
            "now": "2028-03-10T00:00:00Z", "advancing_to": "2028-03-11T00:00:00Z"})).status == 200  # fmt: skip

        async def months() -> list[str]:
            world.services.check()
            return [
                one["month"] for one in await statements(world, subscription) if one["status"] == "closed"
            ]

        assert await eventually(months, until=lambda found: len(found) == 4) == [
            "2028-02",
            "2028-01",
            "2027-12",
            "2027-11",
        ]
    assert [event.envelope.subject[-7:] for event in heard] == ["2027-11", "2027-12", "2028-01", "2028-02"]
    assert [event.envelope.time.isoformat()[:10] for event in heard] == [
        "2027-12-01",
        "2028-01-01",
        "2028-02-01",
        "2028-03-01",
    ]
    february = await statement(world, subscription, "2028-02")
    assert (february["lines"][0]["in_period"], february["total"]) == (29 * 86_400, money("1400.00"))


async def test_a_cancelled_plan_is_charged_for_the_time_it_was_active_and_then_no_more(world: World) -> None:
    await world.sandbox("2026-09-01T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-09-01T00:00:00Z")
    await world.advance("2026-09-03T23:00:00Z")
    await confirm_cancel(world, subscription)
    await world.advance("2026-09-20T00:00:00Z")
    assert amounts(await statement(world, subscription, "2026-09")) == ["140.00"]  # 3 of 30 days
    await world.advance("2026-12-01T00:00:00Z")
    (only,) = await statements(world, subscription)
    assert (only["month"], only["status"], only["total"]) == ("2026-09", "closed", money("140.00"))
    missing = await world.admin.plans.get(path(subscription, "2026-10"))
    assert (missing.status, missing.code) == (404, "StatementNotFound")
    assert (await world.admin.plans.get("/internal/test-clock")).json["next_due_at"] is None


async def test_a_legacy_trial_costs_nothing_and_then_what_a_monthly_plan_does(world: World) -> None:
    await world.sandbox("2026-05-22T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-05-22T00:00:00Z", price_plan="trial")
    await world.advance("2026-07-01T00:00:00Z")
    june = await statement(world, subscription, "2026-06")
    assert [(line["text"], line["rate"], line["amount"]) for line in june["lines"]] == [
        ("Trial of 1,000 devices", "0.00", "0.00"),
        ("1,000 committed devices, monthly", "140.00", "466.67"),
    ]
    assert june["lines"][1]["from"] == "2026-06-21T00:00:00Z"


async def test_a_site_licensed_plan_has_statements_that_say_where_its_licenses_are_invoiced(
    world: World,
) -> None:
    await world.sandbox("2026-03-30T09:30:00Z")
    subscription = (await world.a_plan())["subscription_id"]
    draft = await statement(world, subscription, "2026-03")
    assert (draft["lines"], draft["total"]) == ([], money("0.00"))
    assert "/v1/invoices" in draft["note"]
    await world.advance("2026-04-02T00:00:00Z")
    closed = await statement(world, subscription, "2026-03")
    assert closed == draft | {"status": "closed"}


async def test_a_closed_statement_never_changes(world: World) -> None:
    await world.sandbox("2026-03-31T09:30:00Z")
    await import_plan(world, started_at="2026-03-31T09:30:00Z")
    await world.advance("2026-04-01T00:00:00Z")
    owner = world.services.owner
    for change in (
        "UPDATE plans.statements SET closed_at = now() WHERE tenant_id = $1",
        "UPDATE plans.statements SET body = '{}' WHERE tenant_id = $1",
        "DELETE FROM plans.statements WHERE tenant_id = $1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(change, world.tenant)


async def test_what_was_closed_is_in_the_subscription_s_audit(world: World) -> None:
    await world.sandbox("2026-03-31T09:30:00Z")
    subscription = await import_plan(world, started_at="2026-03-31T09:30:00Z")
    await world.advance("2026-04-02T00:00:00Z")
    events = (await world.admin.plans.get(f"/v1/subscriptions/{subscription}/audit-events")).json["items"]
    (closed,) = (event for event in events if event["action"] == "statement.closed")
    assert (closed["actor"], closed["at"]) == ("siteward", "2026-04-01T00:00:00Z")
    assert closed["resource"] == f"statement/{subscription}/2026-03"
    assert closed["after"] == await statement(world, subscription, "2026-03")


async def test_the_form_is_by_accept(world: World) -> None:
    await world.sandbox("2026-06-15T23:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-15T23:00:00Z")
    await confirm_edit(world, subscription, devices=1500)
    await world.advance("2026-07-15T00:00:00Z")
    for month in ("2026-06", "2026-07"):
        ask, address = world.admin.plans, path(subscription, month)
        shown = await ask.get(address)
        assert (shown.headers["Content-Type"], shown.headers["Vary"]) == ("application/json", "accept")
        assert await recomputed(shown) == 0
        table = await ask.get(address, headers=CSV)
        assert table.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert f"{month}.csv" in table.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(table.body.decode(), newline="")))
        assert [row["amount"] for row in rows] == amounts(shown.json)
        assert {row["status"] for row in rows} == {shown.json["status"]}
        pdf = await ask.get(address, headers=PDF)
        assert pdf.headers["Content-Type"] == "application/pdf"
        assert pdf.body.startswith(b"%PDF")
        assert f"{month}.pdf" in pdf.headers["Content-Disposition"]
        assert len({shown.etag, table.etag, pdf.etag}) == 3
        for answer, headers in ((shown, {}), (table, CSV), (pdf, PDF)):
            assert answer.headers["Vary"] == "accept"
            again = await ask.get(address, headers=headers | {"If-None-Match": answer.etag})
            assert again.status == 304
        refused = await ask.get(address, headers={"Accept": "text/html"})
        assert (refused.status, refused.code) == (406, "NotAcceptable")


async def test_a_draft_s_etag_tells_that_time_has_passed(world: World) -> None:
    await world.sandbox("2026-06-15T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-15T00:00:00Z")
    address = path(subscription, "2026-06")
    first = await world.admin.plans.get(address)
    await world.advance("2026-06-15T00:00:01Z")
    second = await world.admin.plans.get(address, headers={"If-None-Match": first.etag})
    assert (second.status, amounts(second.json)) == (200, ["0.00"])
    assert second.json["lines"][0]["unrounded"] == "0.00054012"


async def test_a_list_has_pages_newest_first(world: World) -> None:
    await world.sandbox("2026-01-15T10:00:00Z")
    subscription = await import_plan(world, started_at="2026-01-15T10:00:00Z")
    await world.advance("2026-05-16T00:00:00Z")
    months, address = [], f"{path(subscription)}?limit=2"
    while True:
        page = (await world.admin.plans.get(address)).json
        months.append([one["month"] for one in page["items"]])
        if "next_cursor" not in page:
            break
        address = f"{path(subscription)}?limit=2&cursor={page['next_cursor']}"
    assert months == [["2026-05", "2026-04"], ["2026-03", "2026-02"], ["2026-01"]]
    wrong = await world.admin.plans.get(f"{path(subscription)}?cursor=bm9uZQ")
    assert (wrong.status, wrong.code) == (422, "InvalidRequest")


@pytest.mark.parametrize(
    "month", ["2026-05", "2026-07", "9999-12", "0000-01", "2026-13", "2026-6", "now", "٢٠٢٦-٠٦"]
)
async def test_a_month_without_a_plan_has_no_statement(world: World, month: str) -> None:
    await world.sandbox("2026-06-15T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-15T00:00:00Z")
    answer = await world.admin.plans.get(path(subscription, month))
    assert (answer.status, answer.code) == (404, "StatementNotFound")


async def test_a_subscription_without_a_plan_has_no_statements(world: World) -> None:
    subscription = await world.link()
    assert await statements(world, subscription) == []


async def test_only_those_with_a_role_on_the_subscription_see_its_statements(world: World) -> None:
    await world.sandbox("2026-06-15T00:00:00Z")
    subscription = await import_plan(world, started_at="2026-06-15T00:00:00Z")
    for caller in (world.caller("bob@example.com"), World(world.services).admin):
        for address in (path(subscription), path(subscription, "2026-06"), path(str(uuid4()))):
            answer = await caller.plans.get(address)
            assert (answer.status, answer.code) == (404, "SubscriptionNotFound")


async def test_plans_of_the_world_s_clock_close_their_months_too(world: World) -> None:
    subscription = await import_plan(world, started_at="2023-01-15T00:00:00Z")
    taken_over = wall_clock() - timedelta(days=100)
    await world.services.owner.execute(
        "UPDATE plans.plan_terms SET starts_at = $2 WHERE tenant_id = $1", world.tenant, taken_over
    )
    await world.services.owner.execute(
        "UPDATE plans.plans SET statement_month = date_trunc('month', $2::timestamptz, 'UTC') WHERE tenant_id = $1",
        world.tenant,
        taken_over,
    )

    async def closed() -> list[str]:
        world.services.check()
        return [one["month"] for one in await statements(world, subscription) if one["status"] == "closed"]

    found = await eventually(closed, until=lambda months: len(months) >= 2)
    assert found[-1] == f"{taken_over:%Y-%m}"
    running = (await statements(world, subscription))[0]
    assert (running["status"], len(running["lines"])) == ("draft", 1)
