"""What the system tells of itself: its documents, whether it is well, and what it has counted."""

import re
from pathlib import Path

import pytest
import yaml

import shared.events
from deploy.local.client import Client
from deploy.local.system import System
from tests.support.calls import buy

_PROCESSES = ("gateway", "licensing-api", "licensing-worker", "plans-api", "plans-worker")


async def test_one_document_has_all_calls(stranger: Client) -> None:
    answer = await stranger.send("GET", "/v1/openapi.json")
    assert answer.status == 200
    document = answer.body
    assert document["openapi"].startswith("3.1")
    paths = document["paths"]
    for path, methods in {
        "/dev/tokens": {"post"},
        "/v1/licenses": {"get", "post"},
        "/v1/licenses/{license_id}/cancel": {"post"},
        "/v1/products": {"get"},
        "/v1/plans": {"get"},
        "/v1/subscriptions/{subscription_id}": {"get", "put"},
        "/v1/subscriptions/{subscription_id}/plan": {"get", "put"},
        "/v1/subscriptions/{subscription_id}/plan/preview": {"post"},
        "/v1/subscriptions/{subscription_id}/entitlements": {"get"},
        "/v1/test-clock": {"get", "put"},
        "/v1/test-clock/advance": {"post"},
    }.items():
        assert methods <= set(paths[path]), path
    assert not [path for path in paths if path.startswith("/internal")]
    told = re.findall(r'"\$ref":"#/components/schemas/([^"]+)"', answer.content.decode())
    assert set(told) <= set(document["components"]["schemas"])


async def test_the_events_are_documented(stranger: Client) -> None:
    answer = await stranger.send("GET", "/asyncapi.yaml")
    assert answer.status == 200
    assert yaml.safe_load(answer.content)["asyncapi"].startswith("3.")
    assert answer.content == (Path(shared.events.__path__[0]) / "asyncapi.yaml").read_bytes()


async def test_a_page_lists_the_calls(stranger: Client) -> None:
    answer = await stranger.send("GET", "/docs")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert b"/v1/licenses/{license_id}/cancel" in answer.content


@pytest.mark.parametrize("name", _PROCESSES)
async def test_every_process_says_how_it_is(system: System, stranger: Client, name: str) -> None:
    process = stranger.at(system.url_of(name))
    assert (await process.send("GET", "/livez")).status == 200
    assert (await process.send("GET", "/readyz")).status == 200
    metrics = await process.send("GET", "/metrics")
    assert metrics.headers["Content-Type"].startswith("text/plain")
    assert b"process_cpu_seconds_total" in metrics.content


async def test_what_is_done_is_counted(system: System, stranger: Client, caller: Client) -> None:
    await buy(caller)
    gateway = (await stranger.send("GET", "/metrics")).content.decode()
    assert re.search(r'siteward_gateway_requests_total\{[^}]*route="/v1/licenses"[^}]*status="201"', gateway)
    licensing = (await stranger.at(system.url_of("licensing-api")).send("GET", "/metrics")).content.decode()
    assert re.search(r'siteward_http_requests_total\{[^}]*status="201"', licensing)
