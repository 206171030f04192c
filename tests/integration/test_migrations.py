"""Do the migrations make the very schema that the code believes in, however often and by whomever they are run?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from deploy.local.migrations import migrate
from services.licensing.store import tables as licensing
from services.plans.store import tables as plans
from shared.db import tables as shared
from shared.events.topics import TOPICS
from tests.support.databases import empty_database
from tests.support.servers import Servers

OWN = {"licensing": licensing.metadata, "plans": plans.metadata}


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


@pytest.mark.parametrize("schema", OWN)
async def test_the_schema_is_the_one_that_the_tables_describe(database: str, schema: str) -> None:
    described = MetaData()
    for metadata in (shared.metadata, OWN[schema]):
        for table in metadata.sorted_tables:
            table.to_metadata(described)

    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        found: list[Any] = compare_metadata(context, described)
        return found

    engine = create_async_engine(
        database.replace("postgresql://", "postgresql+asyncpg://", 1),
        poolclass=NullPool,
        connect_args={"server_settings": {"search_path": schema}},
    )
    try:
        async with engine.connect() as connection:
            found = await connection.run_sync(differences)
    finally:
        await engine.dispose()
    assert [one for one in found if not _is_comment(one)] == []


async def test_running_them_again_changes_nothing(servers: Servers) -> None:
    async with empty_database(servers.postgres) as url, connected(url) as owner:
        await migrate(url, servers.kafka)
        before = await _everything(owner)
        await migrate(url, servers.kafka)
        assert await _everything(owner) == before


async def test_several_may_run_them_at_once(servers: Servers) -> None:
    async with empty_database(servers.postgres) as url, connected(url) as owner:
        await asyncio.gather(*(migrate(url, servers.kafka) for _ in range(4)))
        at_once = await _everything(owner)
    async with empty_database(servers.postgres) as url, connected(url) as owner:
        await migrate(url, servers.kafka)
        assert await _everything(owner) == at_once


async def test_an_owner_that_is_no_superuser_can_run_them(servers: Servers) -> None:
    async with empty_database(servers.postgres) as url, connected(url) as superuser:
        name = url.rpartition("/")[2]
        await superuser.execute(
            f"""
            CREATE ROLE {name} LOGIN CREATEROLE PASSWORD 'secret';
            GRANT licensing_app, licensing_relay, licensing_scheduler TO {name};
            GRANT plans_app, plans_relay, plans_scheduler TO {name};
            ALTER DATABASE {name} OWNER TO {name};
            """
        )
        try:
            address = url.rpartition("@")[2]
            await migrate(f"postgresql://{name}:secret@{address}", servers.kafka)
        finally:
            await superuser.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}")
            await superuser.execute(f"ALTER DATABASE {name} OWNER TO CURRENT_USER; DROP ROLE {name}")


async def test_both_topics_are_made_as_the_contract_says(database: str, servers: Servers) -> None:
    assert database  # whose migrations have made the topics
    admin = AIOKafkaAdminClient(bootstrap_servers=servers.kafka)
    await admin.start()
    try:
        for topic in TOPICS:
            asked = ConfigResource(ConfigResourceType.TOPIC, topic.name)
            (answer,) = await admin.describe_configs([asked])
            ((_, _, _, _, entries),) = answer.resources
            settings = {name: value for name, value, *_ in entries}
            assert {name: settings[name] for name in topic.settings} == topic.settings
            assert settings["retention.ms"] == "-1"
            assert settings["message.timestamp.type"] == "LogAppendTime"
    finally:
        await admin.close()


def _is_comment(difference: Any) -> bool:
    """Comments are for whoever reads the tables, in the code or in the database; each has its own."""
    first = difference[0]
    return (first[0] if isinstance(first, tuple) else first) in {
        "modify_comment",
        "add_table_comment",
        "remove_table_comment",
    }


async def _everything(owner: asyncpg.Connection) -> list[tuple[Any, ...]]:
    """All that the migrations could have made twice, or a second time differently."""
    rows = await owner.fetch(
        """
        SELECT 'column', table_schema, table_name, column_name, data_type, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema IN ('licensing', 'plans')
        UNION ALL
        SELECT 'index', schemaname, tablename, indexname, indexdef, NULL, NULL
        FROM pg_indexes WHERE schemaname IN ('licensing', 'plans')
        UNION ALL
        SELECT 'policy', schemaname, tablename, policyname, array_to_string(roles, ','), qual, with_check
        FROM pg_policies WHERE schemaname IN ('licensing', 'plans')
        UNION ALL
        SELECT 'grant', table_schema, table_name, grantee, privilege_type, NULL, NULL
        FROM information_schema.role_table_grants WHERE table_schema IN ('licensing', 'plans')
        UNION ALL SELECT 'product', sku, effective_from::text, name, prices::text, NULL, NULL FROM licensing.products
        UNION ALL SELECT 'version', version_num, NULL, NULL, NULL, NULL, NULL FROM licensing.alembic_version
        UNION ALL SELECT 'version', version_num, NULL, NULL, NULL, NULL, NULL FROM plans.alembic_version
        ORDER BY 1, 2, 3, 4, 5
        """
    )
    return [tuple(row) for row in rows]
