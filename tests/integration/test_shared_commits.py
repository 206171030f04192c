"""When concurrent callers share a commit, does each still get its own outcome?"""

import asyncio
from collections import Counter
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.db.database import Database, Session, connect
from shared.db.tables import audit_events, idempotency
from shared.db.writes import Writes
from shared.ids import new_id
from tests.integration.test_one_transaction import refused
from tests.support.service_calls import Answer
from tests.support.world import World, an_order


def keep(session: Session, tenant: UUID, key: str) -> None:
    """One row, of which a second is refused."""
    session.writes.insert(
        idempotency, tenant_id=tenant, key=key, fingerprint=b"", status=200, headers={}, body=b""
    )


async def write(database: Database, tenant: UUID, *keys: str, of: UUID | None = None) -> None:
    async with database.begin(tenant) as session:
        for key in keys:
            keep(session, of or tenant, key)


async def kept(world: World, *tenants: UUID) -> Counter[UUID]:
    rows = await world.services.owner.fetch(
        "SELECT tenant_id FROM licensing.idempotency WHERE tenant_id = ANY ($1)", tenants
    )
    return Counter(row["tenant_id"] for row in rows)


async def commits(world: World, *tenants: UUID) -> int:
    found: int = await world.services.owner.fetchval(
        "SELECT count(DISTINCT xmin::text) FROM licensing.idempotency WHERE tenant_id = ANY ($1)", tenants
    )
    return found


async def test_concurrent_writes_share_commits_and_none_is_lost(idle_world: World) -> None:
    tenants = [uuid4() for _ in range(200)]
    await asyncio.gather(*(write(idle_world.services.licensing, tenant, "k") for tenant in tenants))
    assert await kept(idle_world, *tenants) == Counter(tenants)
    assert await commits(idle_world, *tenants) < len(tenants) / 4


async def test_only_the_writer_whose_row_is_refused_hears_of_it(idle_world: World) -> None:
    tenants = [uuid4() for _ in range(40)]
    guilty = tenants[17]
    await write(idle_world.services.licensing, guilty, "k")
    outcomes = await asyncio.gather(
        *(write(idle_world.services.licensing, tenant, "k") for tenant in tenants), return_exceptions=True
    )
    failures = [type(outcome) for outcome in outcomes if outcome is not None]
    assert failures == [asyncpg.UniqueViolationError]
    assert outcomes[17] is not None
    assert await kept(idle_world, *tenants) == Counter(tenants)


async def test_of_two_writers_in_one_commit_that_exclude_each_other_one_wins(idle_world: World) -> None:
    tenant = uuid4()
    outcomes = await asyncio.gather(
        *(write(idle_world.services.licensing, tenant, "k") for _ in range(5)), return_exceptions=True
    )
    assert Counter(type(outcome) for outcome in outcomes) == {type(None): 1, asyncpg.UniqueViolationError: 4}
    assert await kept(idle_world, tenant) == {tenant: 1}


async def test_a_writer_with_one_bad_row_of_several_writes_none(idle_world: World) -> None:
    good, bad = uuid4(), uuid4()
    outcomes = await asyncio.gather(
        write(idle_world.services.licensing, good, "a", "b"),
        write(idle_world.services.licensing, bad, "a", "b", "a"),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [type(None), asyncpg.UniqueViolationError]
    assert await kept(idle_world, good, bad) == {good: 2}


async def test_writers_of_different_tables_share_a_commit(idle_world: World) -> None:
    async def audit(tenant: UUID) -> None:
        async with idle_world.services.licensing.begin(tenant) as session:
            session.writes.insert(
                audit_events,
                id=new_id(),
                tenant_id=tenant,
                chain=tenant,
                at=None if tenant == guilty else session_time,
                actor="a",
                action="b",
                resource="c",
                before=None,
                after={"list": [1, [2]]},
                reason=None,
                request_id=None,
            )

    session_time = await idle_world.services.owner.fetchval("SELECT now()")
    guilty, *others = [uuid4() for _ in range(10)]
    outcomes = await asyncio.gather(
        *(audit(tenant) for tenant in (guilty, *others)),
        *(write(idle_world.services.licensing, tenant, "k") for tenant in others),
        return_exceptions=True,
    )
    assert [type(one) for one in outcomes if one is not None] == [asyncpg.NotNullViolationError]
    for tenant in others:
        assert await idle_world.services.rows(tenant) == {
            "licensing.audit_events": 1,
            "licensing.idempotency": 1,
        }


async def test_a_caller_that_goes_away_takes_nobody_with_it(idle_world: World) -> None:
    leaving, staying = [uuid4() for _ in range(10)], [uuid4() for _ in range(10)]
    database = idle_world.services.licensing
    tasks = [asyncio.create_task(write(database, tenant, "k")) for tenant in leaving]
    others = [asyncio.create_task(write(database, tenant, "k")) for tenant in staying]
    await asyncio.wait(others[:1], timeout=0)  # all of them have begun
    for task in tasks:
        task.cancel()
    await asyncio.gather(*others)
    assert await kept(idle_world, *staying) == Counter(staying)


async def test_a_session_writes_no_row_of_a_tenant_that_is_not_its_own(idle_world: World) -> None:
    mine, theirs = uuid4(), uuid4()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await write(idle_world.services.licensing, mine, "k", of=theirs)
    assert await kept(idle_world, mine, theirs) == {}


async def test_not_even_in_a_commit_that_it_shares_with_that_tenant(idle_world: World) -> None:
    mine, theirs, first = uuid4(), uuid4(), uuid4()
    database = idle_world.services.licensing
    outcomes = await asyncio.gather(
        write(database, first, "k"),  # while this one is written, the others gather
        write(database, theirs, "k"),
        write(database, mine, "stolen", of=theirs),
        return_exceptions=True,
    )
    assert await kept(idle_world, mine, theirs) == {theirs: 1}
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        type(None),
        asyncpg.InsufficientPrivilegeError,
    ]


def one_row(tenant: UUID) -> Writes:
    writes = Writes()
    writes.insert(idempotency, tenant_id=tenant, key="k", fingerprint=b"", status=200, headers={}, body=b"")
    return writes


async def test_rows_written_in_one_round_trip_are_of_the_tenants_named_with_them(idle_world: World) -> None:
    mine, theirs = uuid4(), uuid4()
    database = idle_world.services.licensing
    await database.insert([theirs], one_row(theirs))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.insert([theirs], one_row(mine))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await database.insert([], one_row(mine))
    assert await kept(idle_world, mine, theirs) == {theirs: 1}


async def test_a_connection_forgets_the_tenants_of_what_it_wrote(idle_world: World) -> None:
    tenant = uuid4()
    async with connect(
        idle_world.services.database_url,
        role="licensing_app",
        schema="licensing",
        size=1,
        application="tests",
    ) as database:
        await database.insert([tenant], one_row(tenant))
        assert await database.pool.fetch("SELECT * FROM idempotency") == []


async def test_of_many_purchases_at_once_only_the_refused_one_fails(idle_world: World) -> None:
    worlds = [World(idle_world.services) for _ in range(40)]
    for _ in range(2):  # a tenant's first purchase settles its clock, its second one learns of that
        await asyncio.gather(*(world.buy() for world in worlds))
    guilty = worlds[11]

    async def purchase(world: World) -> list[Answer]:
        return await asyncio.gather(
            *(world.admin.licensing.post("/v1/licenses", an_order(), key=str(n)) for n in range(3))
        )

    async with refused(idle_world.services, "licensing.outbox", guilty.tenant):
        answers = await asyncio.gather(*(purchase(world) for world in worlds))
    for world, answered in zip(worlds, answers, strict=True):
        expected, licenses = (500, 2) if world is guilty else (201, 5)
        assert [answer.status for answer in answered] == [expected] * 3
        rows = await world.rows()
        assert (
            rows["licensing.licenses"]
            == rows["licensing.outbox"]
            == rows["licensing.audit_events"]
            == licenses
        )


async def test_a_database_that_closes_finishes_what_has_begun(idle_world: World) -> None:
    tenants = [uuid4() for _ in range(5)]
    async with connect(
        idle_world.services.database_url,
        role="licensing_app",
        schema="licensing",
        size=2,
        application="tests",
    ) as database:
        tasks = [asyncio.create_task(write(database, tenant, "k")) for tenant in tenants]
        await asyncio.wait(tasks[:1], timeout=0)
    await asyncio.gather(*tasks)
    assert await kept(idle_world, *tenants) == Counter(tenants)
