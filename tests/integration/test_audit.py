"""Is every change in the audit, once and for all, and does sealing it cost nobody time?"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import asyncpg
import pytest

from shared.audit_chain import Chain
from shared.db import audit_sealing
from shared.db.database import session_settings
from shared.db.tables import audit_events
from shared.ids import new_id
from shared.offline import verify_audit
from tests.support.eventually import eventually
from tests.support.running import Services
from tests.support.service_calls import Answer, ServiceClient
from tests.support.world import World, an_order

EVENTS: Final = "/v1/audit-events"
VERIFICATION: Final = f"{EVENTS}/verification"


async def events(world: World, query: str = "") -> list[dict[str, Any]]:
    """All of the tenant's in licensing that the query names, through every page."""
    found: list[dict[str, Any]] = []
    path = f"{EVENTS}?limit=200{query}"
    while True:
        page = await world.admin.licensing.get(path)
        assert page.status == 200, page
        found += page.json["items"]
        if "next_cursor" not in page.json:
            return found
        path = f"{EVENTS}?limit=200{query}&cursor={page.json['next_cursor']}"


async def sealed(world: World, number: int) -> list[dict[str, Any]]:
    """The tenant's events, once so many of them are there and all of them are sealed."""
    return await eventually(
        lambda: events(world),
        until=lambda found: len(found) == number and all(one["hash"] for one in found),
    )


async def verification(client: ServiceClient, path: str = VERIFICATION) -> Any:
    answer = await client.get(path)
    assert answer.status == 200, answer
    return answer.json


def whole(sealed: int, unsealed: int = 0) -> dict[str, Any]:
    return {"valid": True, "sealed": sealed, "unsealed": unsealed, "first_broken_sequence": None}


async def bought(world: World, quantity: int = 1, *, request_id: str) -> Any:
    answer = await world.admin.licensing.post(
        "/v1/licenses", an_order("OT_SITE_S", quantity), headers={"X-Request-Id": request_id}
    )
    assert answer.status == 201, answer
    return answer.json


async def patched(world: World, license: Any, change: dict[str, Any], *, request_id: str) -> Answer:
    path = f"/v1/licenses/{license['id']}"
    known = await world.admin.licensing.get(path)
    headers = {"If-Match": known.etag, "X-Request-Id": request_id, "Content-Type": "application/json"}
    return await world.admin.licensing.send("PATCH", path, json.dumps(change).encode(), headers=headers)


def state(license: Any) -> Any:
    return {name: value for name, value in license.items() if name != "allowed_actions"}


async def test_there_is_one_event_for_each_change_with_who_what_and_by_which_request(world: World) -> None:
    license = await bought(world, 2, request_id="first")
    resource = f"license/{license['id']}"
    assert (await patched(world, license, {"auto_renew": True}, request_id="no-change")).status == 200
    assert (await patched(world, license, {"quantity": 0}, request_id="refused")).status == 422
    off = await patched(world, license, {"auto_renew": False}, request_id="second")
    more = await patched(world, license, {"quantity": 5}, request_id="third")
    assert [one.status for one in (off, more)] == [200, 200]
    found = await events(world)
    assert [(one["action"], one["request_id"]) for one in found] == [
        ("license.purchased", "first"),
        ("license.auto_renew_changed", "second"),
        ("license.quantity_changed", "third"),
    ]
    assert {(one["actor"], one["resource"], one["reason"]) for one in found} == {
        ("ada@example.com", resource, None)
    }
    assert found[0]["at"] == license["purchased_at"]
    assert [one["before"] for one in found] == [None, *(one["after"] for one in found[:-1])]
    assert [one["after"] for one in found] == [state(license), state(off.json), state(more.json)]


async def test_it_is_sealed_moments_later_and_verifies_here_and_offline(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        await bought(world, request_id=f"r-{number}")
    fresh = await events(world)
    assert [(one["sequence"], one["previous_hash"]) for one in fresh if one["hash"] is None] == [
        (None, None)
    ] * sum(one["hash"] is None for one in fresh)
    before = await verification(world.admin.licensing)
    assert (before["valid"], before["sealed"] + before["unsealed"]) == (True, 3)
    found = await sealed(world, 3)
    assert [one["sequence"] for one in found] == [1, 2, 3]
    assert Chain().first_fault(found) is None
    assert await verification(world.admin.licensing) == whole(3)
    pages = [
        (await world.admin.licensing.get(f"{EVENTS}?limit=2")).json,
        {"items": found[2:]},
    ]
    saved = tmp_path / "saved.json"
    saved.write_text(json.dumps(pages))
    assert verify_audit.main(str(saved)) == 0
    assert capsys.readouterr().out == "Valid: sequences 1 to 3.\n"


async def test_time_s_changes_are_in_their_place_however_late_they_are_made(world: World) -> None:
    await world.sandbox("2026-03-01T09:30:00Z")
    first = await bought(world, request_id="a")
    assert (await patched(world, first, {"auto_renew": False}, request_id="b")).status == 200
    await sealed(world, 2)
    # A year and a half later somebody buys, before time has done anything to the first license.
    await world.move_clock("2027-09-01T00:00:00Z")
    await bought(world, request_id="c")
    assert (await verification(world.admin.licensing)) == whole(2, 1)
    for service in (world.admin.licensing, world.admin.plans):
        moved = await service.put(
            "/internal/test-clock", {"now": "2027-09-01T00:00:00Z", "advancing_to": "2027-09-01T00:00:00Z"}
        )
        assert moved.status == 200, moved
    found = await sealed(world, 7)
    assert [(one["sequence"], one["action"]) for one in found] == [
        (1, "license.purchased"),
        (2, "license.auto_renew_changed"),
        (3, "license.expiring"),
        (4, "license.expired"),
        (5, "license.disabled"),
        (6, "license.deleted"),
        (7, "license.purchased"),
    ]
    assert [one["at"][:10] for one in found[2:5]] == ["2027-01-30", "2027-03-01", "2027-03-31"]
    assert {one["actor"] for one in found[2:6]} == {"siteward"}
    assert await verification(world.admin.licensing) == whole(7)


async def test_what_becomes_known_late_takes_the_time_of_its_place(world: World) -> None:
    await bought(world, request_id="a")
    (first,) = await sealed(world, 1)
    async with world.services.licensing.begin(world.tenant) as session:
        session.writes.insert(**a_row(world.tenant, datetime(2026, 1, 1, tzinfo=UTC)))
    late, _ = await sealed(world, 2)
    assert (late["sequence"], late["at"], late["previous_hash"]) == (2, first["at"], first["hash"])
    assert await verification(world.admin.licensing) == whole(2)


async def test_what_is_committed_long_after_it_was_made_is_sealed_all_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_sealing, "SETTLED_AFTER", timedelta(seconds=2))
    monkeypatch.setattr(audit_sealing, "_LOOK_AGAIN_EVERY", 0.1)
    made = new_id()
    await bought(world, request_id="a")
    (first,) = await sealed(world, 1)  # so it was looked for what was made before it
    async with world.services.licensing.begin(world.tenant) as session:
        session.writes.insert(**a_row(world.tenant, datetime.fromisoformat(first["at"]), id_=made))
    found = await sealed(world, 2)
    assert sorted(one["sequence"] for one in found) == [1, 2]
    assert await verification(world.admin.licensing) == whole(2)


async def test_20_concurrent_writers_of_one_tenant_wait_for_no_sealing(world: World) -> None:
    """Not even while a seal is being written and cannot be committed."""
    await bought(world, request_id="a")
    await sealed(world, 1)
    owner = await asyncpg.connect(world.services.database_url)
    try:
        transaction = owner.transaction()
        await transaction.start()
        await owner.execute("LOCK TABLE licensing.audit_seals IN SHARE ROW EXCLUSIVE MODE")
        await asyncio.gather(*(bought(world, request_id=f"w-{number}") for number in range(20)))
        waiting = await verification(world.admin.licensing)
        assert waiting == whole(1, 20)
        await transaction.rollback()
    finally:
        await owner.close()
    found = await sealed(world, 21)
    assert [one["sequence"] for one in found] == list(range(1, 22))
    assert {one["request_id"] for one in found[1:]} == {f"w-{number}" for number in range(20)}


async def test_nothing_is_sealed_before_what_an_older_transaction_may_still_write(world: World) -> None:
    await bought(world, request_id="a")
    (first,) = await sealed(world, 1)
    older = datetime.fromisoformat(first["at"]) + timedelta(milliseconds=1)
    async with world.services.licensing.begin(world.tenant) as session:
        session.writes.insert(**a_row(world.tenant, older))
        await session.flush()
        await bought(world, request_id="b")
        other = World(world.services)
        await bought(other, request_id="c")
        settled = asyncio.get_running_loop().time() + 4
        await eventually(
            lambda: verification(world.admin.licensing),
            until=lambda found: found == whole(1, 1) and asyncio.get_running_loop().time() > settled,
        )
    found = await sealed(world, 3)
    assert [(one["sequence"], one["request_id"]) for one in found] == [(1, "a"), (2, "late"), (3, "b")]
    assert found[1]["at"] == older.isoformat().replace("+00:00", "Z")
    await sealed(other, 1)


@pytest.mark.parametrize("table", ["audit_events", "audit_seals"])
@pytest.mark.parametrize("schema", ["licensing", "plans"])
@pytest.mark.parametrize("statement", ["UPDATE {} SET at = now()", "DELETE FROM {}", "TRUNCATE {}"])
async def test_not_even_the_owner_changes_history(
    services: Services, schema: str, table: str, statement: str
) -> None:
    refused = statement.format(f"{schema}.{table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="history is not changed"):
        await services.owner.execute(refused)
    app = await asyncpg.connect(
        services.database_url, server_settings=session_settings(f"{schema}_app", schema, "tests")
    )
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await app.execute(refused)
    finally:
        await app.close()


TAMPERINGS: Final = {
    "an actor": "UPDATE audit_events SET actor = 'eve' WHERE id = $1",
    "a time": "UPDATE audit_events SET at = at + interval '1 microsecond' WHERE id = $1",
    "a state": "UPDATE audit_events SET after = after || '{\"quantity\": 9}' WHERE id = $1",
    "a reason": "UPDATE audit_events SET reason = '' WHERE id = $1",
    "a request": "UPDATE audit_events SET request_id = NULL WHERE id = $1",
    "an event's chain": "UPDATE audit_events SET chain = id WHERE id = $1",
    "an event's tenant": "UPDATE audit_events SET tenant_id = id WHERE id = $1",
    "an event deleted": "DELETE FROM audit_events WHERE id = $1",
    "a seal deleted": "DELETE FROM audit_seals WHERE event_id = $1",
    "a hash": "UPDATE audit_seals SET hash = repeat('0', 64) WHERE event_id = $1",
    "a link": "UPDATE audit_seals SET previous_hash = repeat('0', 64) WHERE event_id = $1",
    "a seal's time": "UPDATE audit_seals SET at = at + interval '1 microsecond' WHERE event_id = $1",
    "a seal's tenant": "UPDATE audit_seals SET tenant_id = event_id WHERE event_id = $1",
}


@pytest.fixture(scope="module")
async def victims(services: Services) -> dict[str, World]:
    """A tenant with five sealed events for each kind of tampering; all of them wait for their seals at once."""
    worlds = {what: World(services) for what in TAMPERINGS}

    async def settle(world: World) -> None:
        for number in range(5):
            await bought(world, request_id=f"r-{number}")
        await sealed(world, 5)

    await asyncio.gather(*map(settle, worlds.values()))
    return worlds


@pytest.mark.parametrize("what", TAMPERINGS)
async def test_tampering_is_found_and_its_place_named(victims: dict[str, World], what: str) -> None:
    world = victims[what]
    third = (await events(world))[2]
    async with tampering(world.services) as mighty:
        await mighty.execute(TAMPERINGS[what], UUID(third["id"]))
    said = await verification(world.admin.licensing)
    assert (said["valid"], said["first_broken_sequence"]) == (False, 3)


async def test_another_order_is_found_and_its_place_named(world: World) -> None:
    for number in range(4):
        await bought(world, request_id=f"r-{number}")
    await sealed(world, 4)
    async with tampering(world.services) as mighty:
        for old, new in ((2, 99), (3, 2), (99, 3)):
            await mighty.execute(
                "UPDATE audit_seals SET sequence = $3 WHERE chain = $1 AND sequence = $2",
                world.tenant,
                old,
                new,
            )
    said = await verification(world.admin.licensing)
    assert said == {"valid": False, "sealed": 4, "unsealed": 0, "first_broken_sequence": 2}


async def test_an_event_slipped_in_with_a_seal_of_its_own_breaks_the_chain(world: World) -> None:
    for number in range(2):
        await bought(world, request_id=f"r-{number}")
    await sealed(world, 2)
    async with tampering(world.services) as mighty:
        await mighty.execute(
            "INSERT INTO audit_seals SELECT chain, 3, tenant_id, $2, at, previous_hash, hash"
            " FROM audit_seals WHERE chain = $1 AND sequence = 2",
            world.tenant,
            uuid4(),
        )
    said = await verification(world.admin.licensing)
    assert said == {"valid": False, "sealed": 3, "unsealed": 0, "first_broken_sequence": 3}


async def test_filters_and_pages(world: World) -> None:
    licenses = [await bought(world, request_id=f"r-{number}") for number in range(3)]
    bob = world.caller("bob@example.com")
    assert (await bob.licensing.post(f"/v1/licenses/{licenses[0]['id']}/cancel")).status == 200
    found = await events(world)
    assert [one["request_id"] for one in found[:3]] == ["r-0", "r-1", "r-2"]
    assert await ids(world, f"&resource=license/{licenses[0]['id']}") == [found[0]["id"], found[3]["id"]]
    assert await ids(world, "&actor=bob@example.com") == [found[3]["id"]]
    assert await ids(world, f"&actor=bob@example.com&resource=license/{licenses[1]['id']}") == []
    at = [one["at"] for one in found]
    assert await ids(world, f"&from={at[1]}&to={at[3]}") == [one["id"] for one in found[1:3]]
    assert await ids(world, f"&to={at[0]}") == []
    paged = []
    path = f"{EVENTS}?limit=1&from={at[1]}"
    while path:
        page = (await world.admin.licensing.get(path)).json
        paged += page["items"]
        more = page.get("next_cursor")
        path = f"{EVENTS}?limit=1&from={at[1]}&cursor={more}" if more else ""
    assert [one["id"] for one in paged] == [one["id"] for one in found[1:]]


@pytest.mark.parametrize(
    "query",
    ["from=yesterday", "from=2026-03-01T00:00:00", "cursor=eA", "who=me", "from_=2026-03-01T00:00:00Z"],
)
async def test_what_is_no_filter_is_refused(world: World, query: str) -> None:
    assert (await world.admin.licensing.get(f"{EVENTS}?{query}")).status == 422


async def test_who_may_read_it(world: World) -> None:
    await bought(world, request_id="a")
    for role, status in {
        "GlobalReader": 200,
        "BillingAdministrator": 200,
        "LicenseAdministrator": 403,
    }.items():
        somebody = world.caller("bob@example.com", roles=[role]).licensing
        assert [(await somebody.get(path)).status for path in (EVENTS, VERIFICATION)] == [status] * 2


async def test_another_tenant_sees_none_of_it(world: World) -> None:
    await bought(world, request_id="a")
    (mine,) = await sealed(world, 1)
    stranger = World(world.services)
    assert await events(stranger) == []
    assert await events(stranger, f"&resource={mine['resource']}") == []
    assert await verification(stranger.admin.licensing) == whole(0)


async def test_a_subscription_has_a_chain_of_its_own_for_whoever_has_a_role_on_it(world: World) -> None:
    one, other = await world.link("One"), await world.link("Other")
    ask = world.admin.plans
    assert (await ask.put(f"/v1/subscriptions/{one}", {"display_name": "First"})).status == 200
    path = f"/v1/subscriptions/{one}/audit-events"

    async def look() -> Any:
        return (await ask.get(path)).json["items"]

    found = await eventually(look, until=lambda seen: all(event["hash"] for event in seen))
    assert [(event["sequence"], event["action"], event["after"]) for event in found] == [
        (1, "subscription.linked", {"display_name": "One"}),
        (2, "subscription.renamed", {"display_name": "First"}),
    ]
    assert Chain().first_fault(found) is None
    assert await verification(ask, f"{path}/verification") == whole(2)
    elsewhere = await verification(ask, f"/v1/subscriptions/{other}/audit-events/verification")
    assert (elsewhere["valid"], elsewhere["sealed"] + elsewhere["unsealed"]) == (True, 1)
    for somebody in (world.caller("bob@example.com"), World(world.services).admin):
        for target in (path, f"{path}/verification"):
            refused = await somebody.plans.get(target)
            assert (refused.status, refused.code) == (404, "SubscriptionNotFound")


async def ids(world: World, query: str) -> list[str]:
    return [one["id"] for one in await events(world, query)]


def a_row(tenant: UUID, at: datetime, *, id_: UUID | None = None) -> dict[str, Any]:
    """An audit event as a command adds it."""
    return {
        "table": audit_events,
        "id": id_ or new_id(),
        "tenant_id": tenant,
        "chain": tenant,
        "at": at,
        "actor": "siteward",
        "action": "license.expired",
        "resource": "license/1",
        "before": None,
        "after": None,
        "reason": None,
        "request_id": "late",
    }


@asynccontextmanager
async def tampering(services: Services) -> AsyncIterator[asyncpg.Connection]:
    """A superuser who has switched off what guards the audit."""
    mighty = await asyncpg.connect(services.database_url, server_settings={"search_path": "licensing"})
    try:
        await mighty.execute("SET session_replication_role = replica")
        yield mighty
    finally:
        await mighty.close()
