"""Can a request be followed: its id on the answer, its trace through Kafka to the plan?"""

import re
from secrets import token_hex
from uuid import UUID

import pytest

from deploy.local.client import Client
from deploy.local.system import System
from shared.events.topics import LICENSING, PLANS
from tests.support.calls import add_plan, link, order, plan_with, previewed
from tests.support.topic_history import Recorded, told_of

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def test_one_trace_runs_from_the_request_to_the_plans_event(
    system: System, caller: Client, tenant: UUID
) -> None:
    subscription = await link(caller)
    traces = [token_hex(16), token_hex(16)]
    for trace, sites in zip(traces, ({"L": 1}, {"L": 2}), strict=True):
        traceparent = {"traceparent": f"00-{trace}-{token_hex(8)}-01"}
        assert (await caller.send("POST", "/v1/licenses", order(), headers=traceparent)).status == 201
        await previewed(caller, subscription, sites)
        if trace == traces[0]:
            await add_plan(caller, subscription)
    await plan_with(caller, subscription, {"L": 2})

    bootstrap = system.kafka_bootstrap_servers
    licensing = await told_of(tenant, LICENSING, bootstrap, count=2)
    plans = await told_of(tenant, PLANS, bootstrap, count=2)
    assert sorted(_traces(licensing)) == sorted(traces)
    assert _traces(plans)[1] == traces[1]


async def test_a_request_without_a_trace_begins_one(system: System, caller: Client, tenant: UUID) -> None:
    await caller.send("POST", "/v1/licenses", order(), headers={"traceparent": "no trace"})
    (told,) = await told_of(tenant, LICENSING, system.kafka_bootstrap_servers, count=1)
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01", told.envelope.traceparent or "")


@pytest.mark.parametrize("path", ["/livez", "/v1/licenses", "/v1/subscriptions", "/v1/nothing"])
async def test_a_request_id_comes_back(caller: Client, path: str) -> None:
    answer = await caller.send("GET", path, headers={"X-Request-Id": "order-4711_a.b"})
    assert answer.headers.getall("X-Request-Id") == ["order-4711_a.b"]


@pytest.mark.parametrize("sent", [None, "", "two words", "x" * 129, "ümlaut"])
async def test_a_request_without_a_usable_id_gets_one(caller: Client, sent: str | None) -> None:
    headers = {} if sent is None else {"X-Request-Id": sent}
    answer = await caller.send("GET", "/v1/licenses", headers=headers)
    assert _UUID.fullmatch(answer.headers["X-Request-Id"])


async def test_every_answer_says_how_much_may_still_be_asked(caller: Client) -> None:
    for path in ("/v1/licenses", "/v1/plans", "/v1/nothing"):
        answer = await caller.send("GET", path)
        assert re.search(r'"tenant";r=\d+;t=\d+', answer.headers["RateLimit"])
        assert re.search(r'"tenant";q=\d+;w=\d+', answer.headers["RateLimit-Policy"])


def _traces(records: list[Recorded]) -> list[str]:
    return [(one.envelope.traceparent or "--").split("-")[1] for one in records]
