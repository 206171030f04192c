"""Can a session touch anything that is not its tenants', whatever SQL it runs?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import Table, delete, func, select, update

from services.licensing.store import tables as licensing
from services.plans.store import tables as plans
from shared.db import tables as shared
from shared.db.database import Session, session_settings
from shared.db.statement import Statement
from tests.support.running import Services
from tests.support.world import World

OF_NO_TENANT = {
    "licensing.products": "the catalog is the same for all",
    "plans.legacy_prices": "the price book is the same for all",
    "licensing.parked_events": "what cannot be read may not even tell its tenant",
    "plans.parked_events": "what cannot be read may not even tell its tenant",
    "licensing.alembic_version": "the schema's own version",
    "plans.alembic_version": "the schema's own version",
}
ROLES = tuple(
    f"{service}_{role}" for service in ("licensing", "plans") for role in ("app", "relay", "scheduler")
)
SEEN_FOR_ALL_TENANTS = {
    *(
        (schema, table, f"{schema}_relay")
        for schema in ("licensing", "plans")
        for table in ("outbox", "idempotency")
    ),
    *(
        (schema, table, f"{schema}_scheduler")
        for schema in ("licensing", "plans")
        for table in ("tenants", "audit_events", "audit_seals")
    ),
    *(("licensing", table, "licensing_scheduler") for table in ("licenses", "invoices")),
    *(
        ("plans", table, "plans_scheduler")
        for table in ("plans", "holdings", "enterprise_iot", "device_counts")
    ),
}
SEEN_BY_A_SCHEDULER = {
    "licensing": {
        "tenants": {"tenant_id", "clock", "advancing_to"},
        "licenses": {"tenant_id", "due_at"},
        "invoices": {"tenant_id", "period_end", "closed_at"},
        "audit_events": {"id", "tenant_id", "chain", "at"},
        "audit_seals": {"event_id"},
    },
    "plans": {
        "tenants": {"tenant_id", "clock", "advancing_to"},
        "plans": {"tenant_id", "due_at", "statement_month"},
        "holdings": {"tenant_id", "due_at"},
        "enterprise_iot": {"tenant_id", "due_at"},
        "device_counts": {"tenant_id", "due_at", "sweep_at"},
        "audit_events": {"id", "tenant_id", "chain", "at"},
        "audit_seals": {"event_id"},
    },
}
TABLES = [
    *(("licensing", table) for table in (*shared.metadata.sorted_tables, *licensing.metadata.sorted_tables)),
    *(("plans", table) for table in (*shared.metadata.sorted_tables, *plans.metadata.sorted_tables)),
]
WITH_TENANT = [(schema, table) for schema, table in TABLES if "tenant_id" in table.c]
A_TENANTS_TABLE = pytest.mark.parametrize(
    ("schema", "table"), WITH_TENANT, ids=[f"{schema}.{table.name}" for schema, table in WITH_TENANT]
)


@asynccontextmanager
async def acting_as(services: Services, role: str, *tenants: UUID) -> AsyncIterator[asyncpg.Connection]:
    """A connection as a process has it, in a transaction that is undone at the end."""
    settings = session_settings(role, role.partition("_")[0], "tests")
    connection = await asyncpg.connect(services.database_url, server_settings=settings)
    try:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute(f"SET LOCAL app.tenants = '{{{','.join(map(str, tenants))}}}'")
        yield connection
        await transaction.rollback()
    finally:
        await connection.close()


async def test_every_table_is_walled_or_named_as_an_exception(services: Services) -> None:
    tables = await services.owner.fetch(
        """
        SELECT format('%s.%s', relnamespace::regnamespace, relname) AS name,
               relrowsecurity AND relforcerowsecurity AS walled
        FROM pg_class WHERE relkind IN ('r', 'p', 'm', 'v', 'f')
        AND relnamespace IN ('licensing'::regnamespace, 'plans'::regnamespace)
        """
    )
    assert {row["name"] for row in tables if not row["walled"]} == set(OF_NO_TENANT)


async def test_what_is_excepted_holds_nothing_of_a_tenant(services: Services) -> None:
    assert set(OF_NO_TENANT) & set(await services.tables_with_tenant()) == set()


async def test_the_app_role_has_one_policy_on_each_table_for_its_sessions_tenants(services: Services) -> None:
    policies = await services.owner.fetch(
        "SELECT * FROM pg_policies WHERE schemaname IN ('licensing', 'plans')"
    )
    by_app = {
        f"{policy['schemaname']}.{policy['tablename']}": policy
        for policy in policies
        if policy["roles"] == [f"{policy['schemaname']}_app"]
    }
    assert set(by_app) == set(await services.tables_with_tenant())
    for policy in by_app.values():
        assert policy["cmd"] == "ALL"
        assert policy["permissive"] == "PERMISSIVE"
        for condition in (policy["qual"], policy["with_check"]):
            assert "tenant_id = ANY" in condition
            assert "current_setting('app.tenants'" in condition
        assert "( SELECT" in policy["with_check"], "the tenants are read for every row that is written"


async def test_only_a_relay_and_a_scheduler_see_anything_of_all_tenants(services: Services) -> None:
    policies = await services.owner.fetch(
        "SELECT * FROM pg_policies WHERE schemaname IN ('licensing', 'plans')"
    )
    others = {
        (policy["schemaname"], policy["tablename"], *policy["roles"]): policy["cmd"]
        for policy in policies
        if policy["roles"] != [f"{policy['schemaname']}_app"]
    }
    assert set(others) == SEEN_FOR_ALL_TENANTS
    assert {cmd for (_, _, role), cmd in others.items() if role.endswith("_scheduler")} == {"SELECT"}


@pytest.mark.parametrize("schema", SEEN_BY_A_SCHEDULER)
async def test_a_scheduler_sees_when_and_whose_and_nothing_of_what(services: Services, schema: str) -> None:
    granted = await services.owner.fetch(
        """
        SELECT table_name, column_name, privilege_type FROM information_schema.column_privileges
        WHERE grantee = $1 AND table_schema = $2
        """,
        f"{schema}_scheduler",
        schema,
    )
    seen: dict[str, set[str]] = {}
    for row in granted:
        assert row["privilege_type"] == "SELECT"
        seen.setdefault(row["table_name"], set()).add(row["column_name"])
    assert seen == SEEN_BY_A_SCHEDULER[schema]


async def test_the_roles_own_nothing_and_cannot_get_round_a_policy(services: Services) -> None:
    roles = await services.owner.fetch(
        """
        SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication AS mighty,
               EXISTS (SELECT FROM pg_shdepend WHERE refobjid = r.oid AND deptype = 'o') AS owns,
               EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid) AS inherits
        FROM pg_roles AS r WHERE rolname = ANY ($1)
        """,
        ROLES,
    )
    assert {tuple(row) for row in roles} == {(role, False, False, False) for role in ROLES}


async def test_no_role_may_make_anything_in_a_schema(services: Services) -> None:
    for role in ROLES:
        for schema in ("licensing", "plans", "public"):
            may = await services.owner.fetchval("SELECT has_schema_privilege($1, $2, 'CREATE')", role, schema)
            assert may is False


async def test_a_service_sees_nothing_of_the_others_schema(services: Services) -> None:
    for role in ROLES:
        own = role.partition("_")[0]
        other = {"licensing": "plans", "plans": "licensing"}[own]
        async with acting_as(services, role, uuid4()) as connection:
            for table in ("tenants", "outbox", "audit_events"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    async with connection.transaction():
                        await connection.fetch(f"SELECT * FROM {other}.{table}")  # noqa: S608 -- our own names


@pytest.mark.parametrize("schema", ["licensing", "plans"])
async def test_a_relay_touches_the_outbox_and_the_kept_answers_alone(services: Services, schema: str) -> None:
    granted = await services.owner.fetch(
        """
        SELECT table_name, privilege_type FROM information_schema.role_table_grants
        WHERE grantee = $1 AND table_schema = $2
        """,
        f"{schema}_relay",
        schema,
    )
    assert {tuple(row) for row in granted} == {
        (table, may) for table in ("outbox", "idempotency") for may in ("SELECT", "DELETE")
    }


@pytest.mark.parametrize("schema", ["licensing", "plans"])
async def test_history_is_written_and_never_changed(services: Services, schema: str) -> None:
    granted = await services.owner.fetch(
        """
        SELECT table_name, privilege_type FROM information_schema.role_table_grants
        WHERE grantee = $1 AND table_schema = $2
        AND table_name IN ('audit_events', 'audit_seals', 'inbox', 'idempotency', 'outbox', 'parked_events', 'products')
        """,
        f"{schema}_app",
        schema,
    )
    assert {row["privilege_type"] for row in granted} == {"SELECT", "INSERT"}


@pytest.fixture(scope="module")
async def tenants(services: Services) -> tuple[World, World]:
    """Two tenants with rows in as many tables as there are on the way of a purchase."""
    mine, theirs = World(services), World(services)
    for one in (mine, theirs):
        await one.admin.licensing.post("/v1/licenses", {}, key="k")
        await one.a_plan()
    return mine, theirs


class TestASessionOfOneTenant:
    """With SQL that forgets to name the tenant."""

    @A_TENANTS_TABLE
    async def test_sees_its_own_rows_only(
        self, tenants: tuple[World, World], schema: str, table: Table
    ) -> None:
        mine, theirs = tenants
        async with session(mine, schema) as ours:
            seen = await ours.rows(Statement(select(table)))
            assert {row["tenant_id"] for row in seen} <= {mine.tenant}
            counted = await ours.row(
                Statement(select(func.count().label("rows")).where(table.c.tenant_id == theirs.tenant))
            )
            assert counted is not None
            assert counted["rows"] == 0
        expected = (await mine.rows()).get(f"{schema}.{table.name}", 0)
        assert len(seen) == expected

    @A_TENANTS_TABLE
    async def test_changes_and_deletes_nothing_of_others(
        self, tenants: tuple[World, World], schema: str, table: Table
    ) -> None:
        _, theirs = tenants
        before = await theirs.rows()
        key = next(iter(table.primary_key)).name
        for attempt in (
            update(table).values({"tenant_id": table.c.tenant_id}).returning(table.c[key]),
            delete(table).returning(table.c[key]),
        ):
            statement = Statement(attempt.where(table.c.tenant_id == theirs.tenant))
            try:
                async with session(tenants[0], schema, read_only=False) as ours:
                    assert await ours.rows(statement) == []
            except asyncpg.InsufficientPrivilegeError:
                pass  # it may not even try
        assert await theirs.rows() == before

    async def test_cannot_hand_a_row_over_to_another_tenant(self, tenants: tuple[World, World]) -> None:
        mine, theirs = tenants
        gift = update(licensing.licenses).values(tenant_id=theirs.tenant).returning(licensing.licenses.c.id)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with session(mine, "licensing", read_only=False) as ours:
                await ours.rows(Statement(gift))

    async def test_writes_no_row_of_another_tenant(self, tenants: tuple[World, World]) -> None:
        mine, theirs = tenants
        before = await theirs.rows()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with session(mine, "plans", read_only=False) as ours:
                ours.writes.insert(
                    plans.subscriptions, id=uuid4(), tenant_id=theirs.tenant, display_name="x", version=1
                )
        assert await theirs.rows() == before

    async def test_takes_nothing_with_it_to_the_next_one(self, tenants: tuple[World, World]) -> None:
        mine, _ = tenants
        async with session(mine, "licensing") as ours:
            assert await ours.rows(Statement(select(licensing.licenses)))
        database = mine.services.licensing
        for _ in range(database.pool.get_size()):
            async with database.read() as nobodys:
                assert await nobodys.rows(Statement(select(licensing.licenses))) == []

    async def test_that_only_reads_writes_nothing(self, tenants: tuple[World, World]) -> None:
        mine, _ = tenants
        with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
            async with session(mine, "licensing") as ours:
                await ours.rows(
                    Statement(update(licensing.licenses).values(version=9).returning(licensing.licenses.c.id))
                )


async def test_a_session_of_no_tenant_sees_nothing(world: World) -> None:
    await world.a_plan()
    for role in ("licensing_app", "plans_app"):
        async with acting_as(world.services, role) as connection:
            for schema, table in WITH_TENANT:
                if role.startswith(schema):
                    assert await connection.fetchval(f"SELECT count(*) FROM {table.name}") == 0  # noqa: S608 -- our own names


async def test_a_connection_to_which_nobody_has_said_a_tenant_sees_nothing(world: World) -> None:
    await world.buy()
    settings = session_settings("licensing_app", "licensing", "tests")
    connection = await asyncpg.connect(world.services.database_url, server_settings=settings)
    try:
        assert await connection.fetchval("SELECT count(*) FROM licenses") == 0
    finally:
        await connection.close()


def session(world: World, schema: str, *, read_only: bool = True) -> Session:
    """One of the world's tenant, as a route has it."""
    database = world.services.licensing if schema == "licensing" else world.services.plans
    return database.read(world.tenant) if read_only else database.begin(world.tenant)
