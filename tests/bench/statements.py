"""How fast does a month close for a tenant with 10,000 subscriptions: each with its statement, audit and event?"""

import time
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

import aiohttp
import asyncpg

from services.plans.api.legacy_import import OPERATOR
from tests.bench import sandbox_clock
from tests.bench.customers import call, token_of
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.testbed import Testbed, buyer

_SUBSCRIPTIONS: Final = 10_000
_AT_ONCE: Final = 1_000
_YEAR: Final = 2026
_LAST: Final = """
    CREATE TABLE bench_statements AS
    SELECT subscription_id, month, body FROM plans.statements
    WHERE tenant_id = $1 AND month = (SELECT max(month) FROM plans.statements WHERE tenant_id = $1)
"""
_COPY: Final = "INSERT INTO bench_copies SELECT * FROM bench_statements"


async def measure(bed: Testbed) -> list[Figure]:
    principal = replace(buyer(uuid4()), scopes=frozenset(OPERATOR))
    connection = await asyncpg.connect(bed.database_url)
    async with aiohttp.ClientSession(bed.system.url) as session:
        token = await token_of(session, principal)
        await sandbox_clock.begin(session, token, datetime(_YEAR, 1, 10, tzinfo=UTC))
        for _ in range(_SUBSCRIPTIONS // _AT_ONCE):
            await call(session, "POST", "/v1/legacy-plans/import", token, _plans(str(principal.tenant_id)))
        await sandbox_clock.advance(session, token, datetime(_YEAR, 2, 2, tzinfo=UTC))
        await connection.execute(_LAST, principal.tenant_id)
        await connection.execute("CREATE TABLE bench_copies (LIKE bench_statements INCLUDING ALL)")
        month = 2

        async def ours() -> float:
            nonlocal month
            month += 1
            began = time.perf_counter()
            await sandbox_clock.advance(session, token, datetime(_YEAR, month, 2, tzinfo=UTC))
            return _SUBSCRIPTIONS / (time.perf_counter() - began)

        async def bare() -> float:
            began = time.perf_counter()
            await connection.execute(_COPY)
            return _SUBSCRIPTIONS / (time.perf_counter() - began)

        rates = await in_turns({"ours": ours, "bare": bare}, bed.repetitions)
    await connection.close()
    return [
        figure(
            "statement run of 10,000 subscriptions",
            "statements/s",
            rates["ours"],
            rates["bare"],
            limited_by="one INSERT … SELECT of the same statements, without audit and events",
            remark="from the call that moves the clock until the tenant is quiet, through the gateway",
        )
    ]


def _plans(tenant: str) -> dict[str, object]:
    return {
        "plans": [
            {
                "tenant_id": tenant,
                "subscription_id": str(uuid4()),
                "display_name": "bench",
                "owner": "bench@example.com",
                "price_plan": "monthly",
                "committed_devices": 1500,
                "started_at": "2023-01-15T00:00:00Z",
            }
            for _ in range(_AT_ONCE)
        ]
    }
