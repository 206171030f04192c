"""What is a tenant billed, month by month, and does it stay so?"""

import asyncio
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import orjson
import pytest

from services.licensing.commands.record import tax_by
from services.licensing.commands.replace_catalog import CatalogRefused, replace_catalog, versions_in
from services.licensing.domain.tax import flat, no_tax
from shared.db.database import connect
from tests.support.eventually import eventually
from tests.support.running import Services
from tests.support.service_calls import Answer
from tests.support.world import World

ROOT: Final = Path(__file__).parents[2]
_COPY_LINES: Final = """
    INSERT INTO licensing.invoice_lines
    SELECT (jsonb_populate_record(l, jsonb_build_object('id', uuidv7()))).*
    FROM licensing.invoice_lines AS l WHERE tenant_id = $1
"""
PDF: Final = {"Accept": "application/pdf"}


async def advance(world: World, to: str) -> None:
    """Move the clock of licensing from one due moment to the next, as the gateway does."""
    ask = world.admin.licensing

    async def settled() -> Any:
        clock = (await ask.get("/internal/test-clock")).json
        due = clock["next_due_at"]
        return None if due is not None and due <= clock["now"] else clock

    while (clock := await eventually(settled))["now"] != to:
        step = min(clock["next_due_at"] or to, to)
        assert (await ask.put("/internal/test-clock", {"now": step, "advancing_to": to})).status == 200
    assert (await ask.put("/internal/test-clock", {"now": to})).status == 200


async def invoices(world: World) -> list[Any]:
    found: list[Any] = (await world.admin.licensing.get("/v1/invoices")).json["items"]
    return found


async def recomputed(answer: Answer | bytes) -> int:
    """The exit code of `siteward recompute -`."""
    document = answer if isinstance(answer, bytes) else answer.body
    process = await asyncio.create_subprocess_exec(
        ROOT / "siteward",
        "recompute",
        "-",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(document)
    assert process.returncode is not None
    return process.returncode


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


async def test_a_tenant_that_was_charged_nothing_has_no_invoice(world: World) -> None:
    assert await invoices(world) == []


async def test_a_draft_grows_closes_at_the_start_of_the_next_month_and_never_changes(world: World) -> None:
    await world.sandbox("2026-03-30T09:30:00Z")
    first = await world.buy("OT_SITE_L", 2)
    (draft,) = await invoices(world)
    assert (draft["status"], draft["number"], draft["closes_at"]) == ("draft", None, "2026-04-01T00:00:00Z")
    assert draft["period"] == {"from": "2026-03-01T00:00:00Z", "to": "2026-04-01T00:00:00Z"}
    assert draft["total"] == money("3500.00")

    await advance(world, "2026-03-31T23:59:59Z")
    await world.cancel(first["id"])
    (draft,) = await invoices(world)
    assert [line["amount"] for line in draft["lines"]] == ["3500.00", "-3480.82"]  # for 363 of 365 days
    assert (draft["charges"], draft["credits"]) == (money("3500.00"), money("3480.82"))
    assert (draft["tax"], draft["total"]) == (money("0.00"), money("19.18"))

    await advance(world, "2026-04-01T00:00:00Z")
    (closed,) = await invoices(world)
    assert closed["status"] == "closed"
    assert closed["number"].startswith("202603-")
    assert closed["number"].endswith("-USD")
    assert closed | {"status": "draft", "number": None} == draft

    await world.buy("OT_SITE_XS")
    before, after = await invoices(world)
    assert before == closed
    assert (after["status"], after["total"]) == ("draft", money("300.00"))


@pytest.fixture
def taxed() -> Iterator[None]:
    """An installation with a tax rule of its own, as SITEWARD_TAX names it."""
    tax_by(flat(Fraction(19, 100), text="19 % VAT", rule="VAT"))
    yield
    tax_by(no_tax)


@pytest.mark.usefixtures("taxed")
async def test_what_is_charged_is_taxed_and_what_is_credited_is_credited_with_its_tax(world: World) -> None:
    await world.sandbox("2026-03-30T09:30:00Z")
    license = await world.buy("OT_SITE_L", 2)
    await advance(world, "2026-03-31T23:59:59Z")
    await world.cancel(license["id"])
    (draft,) = await invoices(world)
    assert [(line["kind"], line["amount"]) for line in draft["lines"]] == [
        ("charge", "3500.00"),
        ("tax", "665.00"),
        ("credit", "-3480.82"),
        ("tax", "-661.36"),
    ]
    assert (draft["tax"], draft["total"]) == (money("3.64"), money("22.82"))
    assert await recomputed(orjson.dumps(draft)) == 0


async def test_the_database_refuses_to_change_a_closed_invoice(world: World) -> None:
    await world.sandbox("2026-03-31T09:30:00Z")
    await world.buy()
    await advance(world, "2026-04-01T00:00:00Z")
    owner = world.services.owner
    for change in (
        _COPY_LINES,
        "UPDATE licensing.invoice_lines SET amount = 1 WHERE tenant_id = $1",
        "DELETE FROM licensing.invoice_lines WHERE tenant_id = $1",
        "UPDATE licensing.invoices SET closed_at = NULL WHERE tenant_id = $1",
        "DELETE FROM licensing.invoices WHERE tenant_id = $1",
    ):
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute(change, world.tenant)


async def test_months_are_charged_on_the_day_of_the_start_or_the_months_last(world: World) -> None:
    await world.sandbox("2028-01-31T10:00:00Z")
    await world.buy("OT_SITE_XS", 2, billing_frequency="monthly")
    await advance(world, "2028-05-01T00:00:00Z")
    starts = [
        (line["from"], line["to"], line["in_effect"], line["in_period"], line["amount"])
        for invoice in await invoices(world)
        for line in invoice["lines"]
    ]
    assert starts == [
        ("2028-01-31T10:00:00Z", "2028-02-29T00:00:00Z", 29, 29, "52.50"),
        ("2028-02-29T00:00:00Z", "2028-03-31T00:00:00Z", 31, 31, "52.50"),
        ("2028-03-31T00:00:00Z", "2028-04-30T00:00:00Z", 30, 30, "52.50"),
        ("2028-04-30T00:00:00Z", "2028-05-31T00:00:00Z", 31, 31, "52.50"),
    ]
    assert {invoice["status"] for invoice in await invoices(world)} == {"closed"}


async def test_a_whole_term_over_a_leap_day_is_its_whole_price(world: World) -> None:
    await world.sandbox("2027-12-31T12:00:00Z")
    await world.buy("OT_SITE_L", 1)
    await advance(world, "2028-01-02T12:00:00Z")
    (line,) = (await invoices(world))[0]["lines"]
    assert (line["in_effect"], line["in_period"], line["amount"]) == (366, 366, "1750.00")


async def test_monthly_credits_and_lines_can_be_recomputed_by_anyone(world: World) -> None:
    await world.sandbox("2026-03-01T09:30:00Z")
    license = await world.buy("OT_SITE_L", 3, billing_frequency="monthly")
    await world.buy("EIOT_DEVICE", 7)
    await advance(world, "2026-03-03T10:00:00Z")
    await world.cancel(license["id"])
    (draft,) = await invoices(world)
    answer = await world.admin.licensing.get(f"/v1/invoices/{draft['id']}")
    assert answer.json == draft
    credit = draft["lines"][-1]
    assert (credit["charged"], credit["unrounded"], credit["amount"]) == (
        "459.39",
        "-414.08030137",
        "-414.08",
    )
    assert await recomputed(answer) == 0
    assert await recomputed(answer.body.replace(b'"-414.08"', b'"-414.09"')) == 1
    assert await recomputed(b"{}") == 2


async def test_an_invoice_can_be_had_as_pdf(world: World) -> None:
    await world.sandbox("2026-03-31T09:30:00Z")
    await world.buy("OT_SITE_L", 2)
    await advance(world, "2026-04-01T00:00:00Z")
    (closed,) = await invoices(world)
    ask, address = world.admin.licensing, f"/v1/invoices/{closed['id']}"
    pdf = await ask.get(address, headers=PDF)
    assert (pdf.status, pdf.headers["Content-Type"]) == (200, "application/pdf")
    assert pdf.body.startswith(b"%PDF")
    assert closed["number"] in pdf.headers["Content-Disposition"]
    again = await ask.get(address, headers=PDF)
    assert (again.body, again.etag) == (pdf.body, pdf.etag)
    assert (await ask.get(address, headers=PDF | {"If-None-Match": pdf.etag})).status == 304


async def test_the_form_is_by_accept(world: World) -> None:
    await world.buy()
    (draft,) = await invoices(world)
    ask, address = world.admin.licensing, f"/v1/invoices/{draft['id']}"
    for accept, media_type in (
        ("*/*", "application/json"),
        ("", "application/json"),
        ("application/*;q=0.1", "application/json"),
        ("text/html, application/pdf;q=0.9, */*;q=0.1", "application/pdf"),
        ("application/json;q=0.5, application/pdf", "application/pdf"),
        ("application/json;q=0, */*", "application/pdf"),
    ):
        answer = await ask.get(address, headers={"Accept": accept})
        assert (answer.status, answer.headers["Content-Type"]) == (200, media_type), accept
        assert answer.headers["Vary"] == "accept"
    for accept in ("text/html", "application/json;q=0", "image/*", "application/pdf;q=0, text/csv"):
        refused = await ask.get(address, headers={"Accept": accept})
        assert (refused.status, refused.code) == (406, "NotAcceptable"), accept


async def test_its_etag_tells_of_a_further_line(world: World) -> None:
    await world.buy()
    (draft,) = await invoices(world)
    address = f"/v1/invoices/{draft['id']}"
    first = await world.admin.licensing.get(address)
    assert first.etag.startswith('"2-')
    known = {"If-None-Match": first.etag}
    assert (await world.admin.licensing.get(address, headers=known)).status == 304
    await world.buy()
    second = await world.admin.licensing.get(address, headers=known)
    assert second.status == 200
    assert second.etag.startswith('"3-')


async def test_a_list_has_pages_in_the_order_of_the_months(world: World) -> None:
    await world.sandbox("2026-01-15T10:00:00Z")
    await world.buy("OT_SITE_XS", billing_frequency="monthly")
    await advance(world, "2026-05-16T00:00:00Z")
    months, address = [], "/v1/invoices?limit=2"
    while True:
        page = (await world.admin.licensing.get(address)).json
        months.append([invoice["period"]["from"][:7] for invoice in page["items"]])
        if "next_cursor" not in page:
            break
        address = f"/v1/invoices?limit=2&cursor={page['next_cursor']}"
    assert months == [["2026-01", "2026-02"], ["2026-03", "2026-04"], ["2026-05"]]


async def test_only_those_who_may_see_money_see_invoices(world: World) -> None:
    await world.buy()
    (draft,) = await invoices(world)
    stranger = World(world.services)
    for path in (f"/v1/invoices/{uuid4()}", "/v1/invoices/none"):
        unknown = await world.admin.licensing.get(path)
        assert (unknown.status, unknown.code) == (404, "InvoiceNotFound")
    foreign = await stranger.admin.licensing.get(f"/v1/invoices/{draft['id']}")
    assert (foreign.status, foreign.code) == (404, "InvoiceNotFound")
    assert await invoices(stranger) == []
    for role, status in (("BillingAdministrator", 200), ("GlobalReader", 200), ("LicenseAdministrator", 403)):
        caller = world.caller(roles=[role]).licensing
        for path in ("/v1/invoices", f"/v1/invoices/{draft['id']}"):
            assert (await caller.get(path)).status == status, (role, path)


def a_row(**fields: Any) -> dict[str, Any]:
    return {
        "sku": "OT_SITE_XS",
        "effective_from": "2090-01-01T00:00:00Z",
        "name": "OT site license, extra small (100 devices)",
        "site_size": "XS",
        "max_devices": 100,
        "trial": False,
        "term": "P1Y",
        "prices": [
            {"billing_frequency": "annual", "unit": money("999.00")},
            {"billing_frequency": "monthly", "unit": money("88.00")},
        ],
    } | fields


async def take(services_url: str, rows: list[dict[str, Any]]) -> int:
    async with (
        connect(services_url, role=None, schema="licensing", size=1, application="tests") as database,
        database.begin() as session,
    ):
        return await replace_catalog(session, versions_in(orjson.dumps(rows)))


async def test_a_new_price_takes_effect_without_a_restart_and_what_was_bought_keeps_its_own(
    world: World, database: str, tmp_path: Path
) -> None:
    await world.sandbox("2090-06-01T10:00:00Z")
    bought = await world.buy("OT_SITE_XS")
    file = tmp_path / "catalog.json"
    file.write_bytes(orjson.dumps([a_row()]))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.licensing",
        "catalog",
        file,
        env={"DATABASE_URL": database, "KAFKA_BOOTSTRAP_SERVERS": "unused:1", "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert (process.returncode, said) == (0, b"1 new in the catalog, 0 were there already\n")
    catalog = world.services.apps["licensing"].state.catalog
    refreshing = asyncio.create_task(catalog.keep_fresh(world.services.licensing, every=0.01))
    try:

        async def price() -> str:
            product = (await world.admin.licensing.get("/v1/products/OT_SITE_XS")).json
            amount: str = product["prices"][0]["unit"]["amount"]
            return amount

        assert await eventually(price, until=lambda amount: amount == "999.00")
    finally:
        refreshing.cancel()
    assert (await world.buy("OT_SITE_XS"))["price"]["unit"] == money("999.00")
    kept = (await world.admin.licensing.get(f"/v1/licenses/{bought['id']}")).json
    assert kept["price"]["unit"] == money("300.00")


async def test_a_version_that_exists_is_not_changed_and_nothing_else_is_taken(database: str) -> None:
    there = a_row(effective_from="2095-01-01T00:00:00Z")
    assert await take(database, [there]) == 1
    assert await take(database, [there]) == 0
    new = a_row(effective_from="2096-01-01T00:00:00Z")
    with pytest.raises(CatalogRefused) as refused:
        await take(database, [new, there | {"name": "Another"}, new])
    assert [pointer for pointer, _ in refused.value.errors] == ["/1", "/2"]
    assert await take(database, [new]) == 1


async def test_a_sku_stays_what_it_is(database: str) -> None:
    with pytest.raises(CatalogRefused):
        await take(database, [a_row(trial=True, term="P60D", prices=[])])
    with pytest.raises(CatalogRefused):
        await take(database, [a_row(site_size=None, max_devices=None)])


@pytest.mark.parametrize(
    ("row", "pointer"),
    [
        (a_row(max_devices="100"), "/1/max_devices"),
        (a_row(max_devices=None), "/1"),
        (a_row(sku="ot site"), "/1/sku"),
        (a_row(effective_from="2090-01-01T00:00:00"), "/1/effective_from"),
        (a_row(prices=[]), "/1"),
        (a_row(term="P2Y"), "/1/term"),
        (a_row(color="red"), "/1/color"),
        (a_row(prices=[{"billing_frequency": "annual", "unit": money("1.5")}]), "/1/prices/0/unit/amount"),
    ],
)
def test_each_bad_row_is_named(row: dict[str, Any], pointer: str) -> None:
    with pytest.raises(CatalogRefused) as refused:
        versions_in(orjson.dumps([a_row(), row]))
    assert [place for place, _ in refused.value.errors] == [pointer]


async def test_the_services_own_role_cannot_change_the_catalog(services: Services) -> None:
    licensing = services.licensing
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with licensing.begin() as session:
            await replace_catalog(
                session, versions_in(orjson.dumps([a_row(effective_from="2097-01-01T00:00:00Z")]))
            )
