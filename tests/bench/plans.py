"""What plans is asked all day: entitlement checks, device observations, the number of devices; and its months."""

import asyncio
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import asyncpg
import orjson

from shared.events.wire import utc_text
from shared.identity import Principal
from tests.bench.customers import call, token_of
from tests.bench.load import request
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.purchases import SKU
from tests.bench.testbed import Testbed, buyer, in_process

_CALLERS: Final = 16
_SITES: Final = 50
_BATCH: Final = 500
_REPORT: Final = 5_000
_FEW: Final = 100
_MANY: Final = 1_000_000
_SUBSCRIPTIONS: Final = 5_000
_BARE: Final = "a GET of the same service that is answered from memory, with a response model"
_COPY: Final = """
    INSERT INTO plans.devices (inventory_id, zone, identity, tenant_id, kind, last_seen, counted_until, counted)
    SELECT inventory_id, 'Default', 'bench ' || n, tenant_id, 'ot', now(), now() + interval '60 days', true
    FROM plans.device_counts, generate_series(1, $2::int) AS n WHERE site_id = $1
"""
_VERSIONS: Final = "SELECT sum(version) FROM plans.plans WHERE tenant_id = $1"
_COUNT: Final = "UPDATE plans.device_counts SET counted = counted + $2 WHERE site_id = $1"


class _Tenant:
    """A tenant with a plan, sites and a sensor, and calls in its name."""

    def __init__(
        self, bed: Testbed, session: aiohttp.ClientSession, token: str, principal: Principal
    ) -> None:
        self.bed = bed
        self.session = session
        self.token = token
        self.principal = principal
        self.subscription = str(uuid4())

    @classmethod
    async def settle(cls, bed: Testbed, session: aiohttp.ClientSession, *, sites: int) -> "_Tenant":
        principal = buyer(uuid4())
        token = await token_of(session, principal)
        tenant = cls(bed, session, token, principal)
        here = f"/v1/subscriptions/{tenant.subscription}"
        await tenant.call("PUT", here, {"display_name": "bench"})
        await tenant.call(
            "POST", "/v1/licenses", {"sku": SKU, "quantity": max(1, sites), "billing_frequency": "annual"}
        )
        while (await tenant.call("POST", f"{here}/plan/preview", {}))["blockers"]:  # noqa: ASYNC110 -- what is waited for happens in another process
            await asyncio.sleep(0.01)
        await tenant.call("PUT", f"{here}/plan", {"terms_accepted": True})
        for number in range(sites):
            await tenant.call(
                "PUT", f"{here}/sites/site-{number}", {"display_name": "bench", "site_size": "L"}
            )
        if sites:
            await tenant.call("PUT", f"{here}/sensors/north", {"site": "site-0"})
        return tenant

    async def call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        return await call(self.session, method, path, self.token, body)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        """To the service itself, as the gateway would send it."""
        sent = "" if body is None else orjson.dumps(body).decode()
        return request(method, path, self.bed.internal_token(self.principal), sent)


async def measure(bed: Testbed) -> list[Figure]:
    async with aiohttp.ClientSession(bed.system.url) as session:
        tenant = await _Tenant.settle(bed, session, sites=_SITES)
        return [
            *await _checks(bed, tenant),
            *await _observations(bed, tenant),
            *await _counts(bed, tenant),
            *await _lag(bed, session),
        ]


async def _checks(bed: Testbed, tenant: _Tenant) -> list[Figure]:
    pairs = [
        {"subscription_id": tenant.subscription, "site": f"site-{place % _SITES}"} for place in range(_BATCH)
    ]

    async def load(wanted: str, service: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        return await in_process(
            "load",
            address=bed.system.url_of(service),
            requests=[tenant.request(wanted, path, body)],
            callers=_CALLERS,
            seconds=bed.seconds,
            expected=200,
        )

    check = "/v1/entitlement-checks"
    done = await in_turns(
        {
            "one": partial(load, "POST", "plans-api", check, {"checks": pairs[:1]}),
            "batch": partial(load, "POST", "plans-api", check, {"checks": pairs}),
            "bare": partial(load, "GET", "licensing-api", f"/v1/products/{SKU}", None),
        },
        bed.repetitions,
    )
    bare = done["bare"]
    return [
        figure(
            "entitlement checks/s (one pair a call)",
            "checks/s",
            [one["rate"] for one in done["one"]],
            [one["rate"] for one in bare],
            limited_by=_BARE,
            at_least=0.5,
        ),
        figure(
            "entitlement check p99 (one pair a call)",
            "ms",
            [1000 * one["p99"] for one in done["one"]],
            [1000 * one["p99"] for one in bare],
            limited_by=_BARE,
        ),
        figure(
            f"entitlement checks/s (batch of {_BATCH})",
            "checks/s",
            [_BATCH * one["rate"] for one in done["batch"]],
            [one["rate"] for one in done["one"]],
            limited_by="one pair a call",
        ),
        figure(
            f"entitlement check p99 (batch of {_BATCH})",
            "ms",
            [1000 * one["p99"] for one in done["batch"]],
            [1000 * one["p99"] for one in done["one"]],
            limited_by="one pair a call",
        ),
    ]


async def _observations(bed: Testbed, tenant: _Tenant) -> list[Figure]:
    path = f"/v1/subscriptions/{tenant.subscription}/sensors/north/device-observations"
    began = datetime.now(UTC) - timedelta(hours=1)
    connection = await asyncpg.connect(bed.database_url)
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS bench_devices (ip text PRIMARY KEY, seen timestamptz)"
    )
    turn = 0

    async def ours() -> float:
        nonlocal turn
        turn += 1
        seen = utc_text(began + timedelta(seconds=turn))
        devices = [
            {"ip": _ip(place), "mac": f"02:00:{_mac(place)}", "kind": "ot", "last_seen": seen}
            for place in range(_REPORT)
        ]
        start = time.perf_counter()
        await tenant.call("POST", path, {"devices": devices})
        return _REPORT / (time.perf_counter() - start)

    async def bare() -> float:
        start = time.perf_counter()
        await connection.execute(
            "INSERT INTO bench_devices SELECT unnest($1::text[]), now()"
            " ON CONFLICT (ip) DO UPDATE SET seen = excluded.seen",
            [_ip(place) for place in range(_REPORT)],
        )
        return _REPORT / (time.perf_counter() - start)

    rates = await in_turns({"ours": ours, "bare": bare}, bed.repetitions)
    await connection.close()
    return [
        figure(
            "device observations/s",
            "devices/s",
            rates["ours"],
            rates["bare"],
            limited_by=f"one upsert of {_REPORT} rows of two columns by asyncpg",
            remark=f"{_REPORT} a call, through the gateway, by one caller",
        )
    ]


async def _counts(bed: Testbed, tenant: _Tenant) -> list[Figure]:
    sites = {}
    connection = await asyncpg.connect(bed.database_url)
    for number, devices in ((1, _FEW), (2, _MANY)):
        site = await connection.fetchval(
            "SELECT id FROM plans.sites WHERE subscription_id = $1 AND name_key = $2",
            UUID(tenant.subscription),
            f"site-{number}",
        )
        await connection.execute(_COPY, site, devices, timeout=120)
        await connection.execute(_COUNT, site, devices)
        sites[devices] = f"/v1/subscriptions/{tenant.subscription}/sites/site-{number}"
    await connection.execute("VACUUM ANALYZE plans.devices", timeout=120)
    await connection.close()

    async def read(devices: int) -> dict[str, Any]:
        return await in_process(
            "load",
            address=bed.system.url_of("plans-api"),
            requests=[tenant.request("GET", sites[devices])],
            callers=1,
            seconds=bed.seconds,
            expected=200,
        )

    done = await in_turns({"few": partial(read, _FEW), "many": partial(read, _MANY)}, bed.repetitions)
    return [
        figure(
            "detected-count read of a site with 1,000,000 devices",
            "ms",
            [1000 * one["p50"] for one in done["many"]],
            [1000 * one["p50"] for one in done["few"]],
            limited_by=f"the same with {_FEW}",
            at_most=1.5,
        )
    ]


async def _lag(bed: Testbed, session: aiohttp.ClientSession) -> list[Figure]:
    """One purchase of a tenant with many subscriptions."""
    tenant = await _Tenant.settle(bed, session, sites=0)
    connection = await asyncpg.connect(bed.database_url)
    await connection.execute(
        """
        WITH made AS (
            INSERT INTO plans.subscriptions (id, tenant_id, display_name, version)
            SELECT gen_random_uuid(), tenant_id, display_name, 1 FROM plans.subscriptions, generate_series(2, $2::int)
            WHERE id = $1 RETURNING id, tenant_id
        )
        INSERT INTO plans.plans (subscription_id, tenant_id, status, legacy, price_plan, licensed_sites,
                                 terms_version, terms_accepted_at, added_at, version)
        SELECT made.id, made.tenant_id, 'active', false, price_plan, licensed_sites, terms_version,
               terms_accepted_at, added_at, 1
        FROM made, plans.plans AS first WHERE first.subscription_id = $1
        """,
        UUID(tenant.subscription),
        _SUBSCRIPTIONS,
    )
    tenant_id = tenant.principal.tenant_id

    async def versions() -> int:
        found: int = await connection.fetchval(_VERSIONS, tenant_id)
        return found

    async def ours() -> float:
        before = await versions()
        await tenant.call("POST", "/v1/licenses", {"sku": SKU, "quantity": 1, "billing_frequency": "annual"})
        start = time.perf_counter()
        while await versions() < before + _SUBSCRIPTIONS:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0.005)
        return 1000 * (time.perf_counter() - start)

    async def bare() -> float:
        start = time.perf_counter()
        async with connection.transaction():
            await connection.execute(
                "UPDATE plans.plans SET terms_version = terms_version WHERE tenant_id = $1", tenant_id
            )
        return 1000 * (time.perf_counter() - start)

    lags = await in_turns({"ours": ours, "bare": bare}, bed.repetitions)
    await connection.close()
    return [
        figure(
            "plan update lag, one purchase and 5,000 subscriptions",
            "ms",
            lags["ours"],
            lags["bare"],
            limited_by="an UPDATE of the 5,000 rows alone",
            remark="each of them also has an event and an audit row",
        )
    ]


def _ip(place: int) -> str:
    return f"10.{place >> 16 & 255}.{place >> 8 & 255}.{place & 255}"


def _mac(place: int) -> str:
    return f"00:{place >> 16 & 255:02x}:{place >> 8 & 255:02x}:{place & 255:02x}"
