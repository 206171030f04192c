"""Are state, audit, event and kept answer committed together or not at all?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from services.licensing.store import licenses
from services.licensing.store.catalog import Catalog
from shared.db import outbox
from tests.support.running import Services
from tests.support.world import World, an_order

WRITTEN_BY_A_PURCHASE = ("licenses", "invoices", "invoice_lines", "audit_events", "outbox", "idempotency")


@asynccontextmanager
async def refused(services: Services, table: str, tenant: UUID, *, on: str = "INSERT") -> AsyncIterator[None]:
    """Let PostgreSQL refuse the tenant's rows in one table, as a constraint would."""
    name = f"refuse_{table.replace('.', '_')}_{tenant.hex}"
    await services.owner.execute(
        f"""
        CREATE OR REPLACE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE check_violation USING MESSAGE = 'refused by a test'; END $$;
        CREATE TRIGGER {name} BEFORE {on} ON {table}
            FOR EACH ROW WHEN (NEW.tenant_id = '{tenant}') EXECUTE FUNCTION public.refuse();
        """
    )
    try:
        yield
    finally:
        await services.owner.execute(f"DROP TRIGGER {name} ON {table}")


async def test_a_purchase_leaves_one_row_of_each_kind(idle_world: World) -> None:
    await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")
    written = {f"licensing.{table}": 1 for table in WRITTEN_BY_A_PURCHASE}
    assert await idle_world.rows() == written | {"licensing.tenants": 1}


async def test_a_change_whose_event_no_record_can_carry_is_not_made(
    idle_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(outbox, "_LARGEST", 100)
        answer = await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")
    assert (answer.status, answer.code) == (500, "InternalError")
    assert await idle_world.rows() == {}
    assert (await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")).status == 201


async def test_what_one_request_reads_is_of_one_moment(idle_world: World) -> None:
    async with idle_world.services.licensing.read(idle_world.tenant) as session:
        assert await licenses.page(session, after=None, most=9, status=None, sku=None) == []
        await idle_world.buy()
        assert await licenses.page(session, after=None, most=9, status=None, sku=None) == []


@pytest.mark.parametrize("first_write", [True, False])
@pytest.mark.parametrize("table", WRITTEN_BY_A_PURCHASE)
async def test_a_purchase_of_which_one_row_is_refused_leaves_nothing(
    idle_world: World, table: str, *, first_write: bool
) -> None:
    if not first_write:  # from the second one on, commits are shared
        await idle_world.buy()
        await idle_world.buy()
    before = await idle_world.rows()
    async with refused(idle_world.services, f"licensing.{table}", idle_world.tenant):
        answer = await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")
    assert (answer.status, answer.code) == (500, "InternalError")
    assert b"refused by a test" not in answer.body
    assert await idle_world.rows() == before
    again = await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")
    assert (again.status, again.replayed) == (201, False)


@pytest.mark.parametrize(
    ("table", "on"),
    [
        ("licenses", "UPDATE"),
        ("invoice_lines", "INSERT"),
        ("audit_events", "INSERT"),
        ("outbox", "INSERT"),
        ("idempotency", "INSERT"),
    ],
)
async def test_a_cancel_of_which_one_row_is_refused_leaves_the_license_as_it_was(
    idle_world: World, table: str, on: str
) -> None:
    license = await idle_world.buy()
    address = f"/v1/licenses/{license['id']}"
    before = await idle_world.rows()
    async with refused(idle_world.services, f"licensing.{table}", idle_world.tenant, on=on):
        answer = await idle_world.admin.licensing.post(f"{address}/cancel", key="k")
    assert answer.status == 500
    assert await idle_world.rows() == before
    assert (await idle_world.admin.licensing.get(address)).json == license


async def test_a_key_that_was_used_for_another_request_undoes_all_of_this_one(idle_world: World) -> None:
    license = await idle_world.buy()
    await idle_world.admin.licensing.post("/v1/licenses", an_order(), key="k")
    before = await idle_world.rows()
    for path, body in (("", an_order("OT_SITE_S")), (f"/{license['id']}/cancel", None)):
        answer = await idle_world.admin.licensing.post(f"/v1/licenses{path}", body, key="k")
        assert answer.code == "IdempotencyKeyReused"
    assert await idle_world.rows() == before
    assert (await idle_world.admin.licensing.get(f"/v1/licenses/{license['id']}")).json == license


@pytest.mark.parametrize("table", ["subscriptions", "role_assignments", "audit_events"])
async def test_a_link_of_which_one_row_is_refused_leaves_nothing(idle_world: World, table: str) -> None:
    address = f"/v1/subscriptions/{idle_world.tenant}"
    async with refused(idle_world.services, f"plans.{table}", idle_world.tenant):
        assert (await idle_world.admin.plans.put(address, {"display_name": "Plant 7"})).status == 500
    assert await idle_world.rows() == {}
    assert (await idle_world.admin.plans.put(address, {"display_name": "Plant 7"})).status == 201


@pytest.mark.parametrize("table", ["plans", "audit_events", "outbox"])
async def test_a_plan_of_which_one_row_is_refused_is_not_added(world: World, table: str) -> None:
    await world.buy()
    subscription = await world.link()
    await world.quiet()
    before = await world.rows()
    async with world.expects():
        async with refused(world.services, f"plans.{table}", world.tenant):
            address = f"/v1/subscriptions/{subscription}/plan"
            assert (await world.admin.plans.put(address, {"terms_accepted": True})).status == 500
        assert await world.rows() == before
    async with world.expects("plan.added"):
        await world.add_plan(subscription)


async def test_an_event_that_fails_its_schema_fails_the_request(idle_world: World) -> None:
    services = idle_world.services
    # Money in a currency that is none: the catalog takes it, the event contract does not.
    await services.owner.execute(
        """
        INSERT INTO licensing.products (sku, effective_from, name, term, trial, prices)
        VALUES ('BROKEN', now() - interval '1 day', 'Broken', 'P1Y', false,
                '[{"billing_frequency": "annual", "unit": 100, "currency": "money"}]')
        ON CONFLICT DO NOTHING
        """
    )
    state = services.apps["licensing"].state
    sound, state.catalog = state.catalog, await Catalog.load(services.licensing)
    try:
        answer = await idle_world.admin.licensing.post("/v1/licenses", an_order("BROKEN"), key="k")
    finally:
        state.catalog = sound
    assert (answer.status, answer.code) == (500, "InternalError")
    assert await idle_world.rows() == {}
