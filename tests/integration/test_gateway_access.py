"""Who gets in, how often, and what does the gateway answer itself?"""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.exchange import Receive, Scope, Send
from tests.support.gateway_system import TENANT, Client, KeyFiles, Upstream, running_gateway, serving

ISSUER = "https://login.example/tenant"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(Path(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
async def upstream() -> AsyncIterator[Upstream]:
    upstream = Upstream()
    async with serving(upstream, upstream.port):
        yield upstream


@pytest.fixture(scope="module")
async def client(keys: KeyFiles, upstream: Upstream) -> AsyncIterator[Client]:
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client:
        yield client


async def problem(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    document: dict[str, Any] = await answer.json(content_type="application/problem+json")
    assert document["status"] == answer.status
    return document


class Issuer:
    """An OIDC issuer, as far as its published keys go."""

    def __init__(self, *keys: OKPKey | ECKey | RSAKey) -> None:
        self.keys = list(keys)
        self.upstream = Upstream()
        self.asked = 0

    @property
    def url(self) -> str:
        return self.upstream.url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.asked += 1
        published = KeySet(list(self.keys)).as_dict(private=False)
        published["keys"] = [{"kty": "oct", "k": "AAAA", "kid": "not for us"}, *published["keys"]]
        self.upstream.body = orjson.dumps(published)
        await self.upstream(scope, receive, send)

    def token(self, key: OKPKey | ECKey | RSAKey, algorithm: str, **changes: Any) -> dict[str, str]:
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": "siteward", "sub": "ada", "tid": TENANT, "exp": now + 60, "nbf": now}
        header = {"alg": algorithm, "kid": key.kid, "x5t#S256": "x", "some": "thing"}
        registry = JWSRegistry(algorithms=[algorithm], strict_check_header=False)
        return {"Authorization": "Bearer " + jwt.encode(header, claims | changes, key, registry=registry)}


async def test_a_caller_without_a_token_is_told_what_is_needed(client: Client) -> None:
    async with client.request("GET", "/v1/licenses") as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await problem(answer))["code"] == "Unauthenticated"


async def test_a_wrong_token_is_told_what_is_wrong(client: Client) -> None:
    async with client.request("GET", "/v1/licenses", headers={"Authorization": "Bearer a.b.c"}) as answer:
        assert answer.status == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
async def test_an_issuers_published_keys_are_believed_and_looked_up_again_when_they_change(
    keys: KeyFiles, upstream: Upstream
) -> None:
    first = OKPKey.generate_key("Ed25519", {"kid": "1"})
    second = ECKey.generate_key("P-256", {"kid": "2"})
    third = RSAKey.generate_key(2048, {"kid": "3", "use": "sig"})
    issuer = Issuer(first, third)
    believed = {"issuer": ISSUER, "jwks_url": issuer.url}
    async with (
        serving(issuer, issuer.upstream.port),
        running_gateway(
            keys, licensing=upstream.url, plans=upstream.url, dev_issuer=False, settings=believed
        ) as client,
    ):

        async def status(headers: dict[str, str]) -> int:
            async with client.request("GET", "/v1/licenses", headers=headers) as answer:
                return int(answer.status)

        assert await status(issuer.token(first, "EdDSA")) == 200
        assert await status(issuer.token(third, "RS256")) == 200
        assert issuer.asked == 1
        assert await status(issuer.token(second, "ES256")) == 401
        assert issuer.asked == 1  # asked a moment ago: made-up key ids cost the issuer nothing
        issuer.keys.append(second)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("gateway.auth._KEYS_MIN_INTERVAL", 0.0)
            assert await status(issuer.token(second, "ES256")) == 200
        assert issuer.asked == 2
        assert await status(issuer.token(first, "EdDSA", iss="https://development.siteward.invalid")) == 401


async def test_while_the_issuer_was_never_reached_nobody_can_be_judged(
    keys: KeyFiles, upstream: Upstream
) -> None:
    key = OKPKey.generate_key("Ed25519", {"kid": "1"})
    issuer = Issuer(key)
    believed = {"issuer": ISSUER, "jwks_url": issuer.url}
    async with running_gateway(
        keys, licensing=upstream.url, plans=upstream.url, dev_issuer=False, settings=believed
    ) as client:
        headers = issuer.token(key, "Ed25519")
        async with client.request("GET", "/v1/licenses", headers=headers) as answer:
            assert answer.status == 503


async def test_the_development_issuer_is_off_unless_asked_for(keys: KeyFiles, upstream: Upstream) -> None:
    believed = {"issuer": ISSUER, "jwks_url": upstream.url}
    async with running_gateway(
        keys, licensing=upstream.url, plans=upstream.url, dev_issuer=False, settings=believed
    ) as client:
        body = {"tenant_id": TENANT, "principal": "ada"}
        async with client.request("POST", "/dev/tokens", json=body) as answer:
            assert answer.status == 404


async def test_the_development_issuer_says_so_loudly(
    keys: KeyFiles, upstream: Upstream, caplog: pytest.LogCaptureFixture
) -> None:
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url):
        assert "THE DEVELOPMENT ISSUER IS ON" in caplog.text


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"tenant_id": "acme"}, "/tenant_id"),
        ({"tenant_id": None}, "/tenant_id"),
        ({"principal": ""}, "/principal"),
        ({"roles": "GlobalAdministrator"}, "/roles"),
        ({"roles": [1]}, "/roles/0"),
        ({"expires_in": 0}, "/expires_in"),
        ({"expires_in": "60"}, "/expires_in"),
        ({"expires_in": 1.5}, "/expires_in"),
        ({"more": 1}, "/more"),
    ],
)
async def test_a_token_request_that_does_not_fit_is_told_where(
    client: Client, change: dict[str, Any], pointer: str
) -> None:
    body = {"tenant_id": TENANT, "principal": "ada"} | change
    async with client.request("POST", "/dev/tokens", json=body) as answer:
        assert answer.status == 422
        document = await problem(answer)
    assert document["code"] == "InvalidRequest"
    assert [error["pointer"] for error in document["errors"]] == [pointer]


@pytest.mark.parametrize(
    ("method", "options", "status", "code"),
    [
        ("GET", {}, 405, "MethodNotAllowed"),
        ("POST", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 400, "MalformedJson"),
        ("POST", {"data": b"", "headers": {"Content-Type": "application/json"}}, 400, "MalformedJson"),
        ("POST", {"data": b"\xff", "headers": {"Content-Type": "application/json"}}, 400, "MalformedJson"),
        ("POST", {"data": b"[]", "headers": {"Content-Type": "application/json"}}, 422, "InvalidRequest"),
        ("POST", {"data": b"{}", "headers": {"Content-Type": "text/plain"}}, 415, "UnsupportedMediaType"),
        ("POST", {"data": b"x" * 1_048_577, "headers": {"Content-Type": "x/y"}}, 413, "ContentTooLarge"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sending a large body")
async def test_what_is_no_token_request_is_refused_in_the_contracts_order(
    client: Client, method: str, options: dict[str, Any], status: int, code: str
) -> None:
    async with client.request(method, "/dev/tokens", **options) as answer:
        assert answer.status == status
        assert (await problem(answer))["code"] == code


async def test_a_token_ends_when_it_was_asked_to(client: Client, upstream: Upstream) -> None:
    upstream.reset()
    body = {"tenant_id": TENANT, "principal": "ada", "expires_in": 1}
    async with client.request("POST", "/dev/tokens", json=body) as answer:
        issued = await answer.json()
    assert issued["token_type"] == "Bearer"
    headers = {"Authorization": f"Bearer {issued['access_token']}"}
    with pytest.MonkeyPatch.context() as patch:
        later = time.time() + 2
        patch.setattr(time, "time", lambda: later)
        async with client.request("GET", "/v1/licenses", headers=headers) as answer:
            assert answer.status == 401
            assert "expired" in (await problem(answer))["detail"]
    assert upstream.seen == []


async def test_every_answer_says_how_much_is_left_and_then_refuses(
    keys: KeyFiles, upstream: Upstream
) -> None:
    quotas = {
        "rate_limit_per_token": 3,
        "rate_limit_per_tenant": 5,
        "rate_limit_per_address": 2,
    }
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url, settings=quotas) as client:
        ada, bob = await client.bearer(principal="ada"), await client.bearer(principal="bob")
        other = await client.bearer(tenant="0199b0c4-0000-7000-8000-000000000002")

        async def ask(headers: dict[str, str]) -> tuple[int, str, str]:
            async with client.request("GET", "/v1/licenses", headers=headers) as answer:
                if answer.status == 429:
                    assert int(answer.headers["Retry-After"]) in range(1, 62)
                    assert (await problem(answer))["code"] == "RateLimited"
                return answer.status, answer.headers["RateLimit"], answer.headers["RateLimit-Policy"]

        status, limit, policy = await ask(ada)
        assert status == 200
        assert policy == '"token";q=3;w=60, "tenant";q=5;w=60'
        assert [item.partition(";t=")[0] for item in limit.split(", ")] == ['"token";r=2', '"tenant";r=4']
        assert [(await ask(ada))[0] for _ in range(3)] == [200, 200, 429]
        assert (await ask(ada))[1].startswith('"token";r=0')
        assert [(await ask(bob))[0] for _ in range(2)] == [200, 200]
        status, limit, policy = await ask(bob)
        assert (status, policy) == (429, '"tenant";q=5;w=60')
        assert limit.startswith('"tenant";r=0')
        assert (await ask(other))[0] == 200
        assert [(await ask({}))[0] for _ in range(3)] == [401, 401, 429]
        async with client.request("GET", "/v1/nothing", headers=other) as answer:
            assert answer.status == 404
            assert "RateLimit" in answer.headers


async def test_without_limits_nothing_is_said_about_them(keys: KeyFiles, upstream: Upstream) -> None:
    quotas = {
        "rate_limit_per_token": 0,
        "rate_limit_per_tenant": 0,
        "rate_limit_per_address": 0,
    }
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url, settings=quotas) as client:
        for headers in ({}, await client.bearer()):
            async with client.request("GET", "/v1/licenses", headers=headers) as answer:
                assert "RateLimit" not in answer.headers
                assert "RateLimit-Policy" not in answer.headers


async def test_requests_are_counted_by_route_and_never_by_id(client: Client) -> None:
    headers = await client.bearer()
    for path in ("/v1/licenses/0199b0c4/cancel", "/v1/secret-of-somebody", "/secret-of-somebody"):
        async with client.request("POST", path, headers=headers):
            pass
    async with client.request("GET", "/metrics") as answer:
        text = await answer.text()
    assert (
        'siteward_gateway_requests_total{method="POST",route="/v1/licenses/{id}/cancel",status="200",'
        'upstream="licensing"}' in text
    )
    assert "siteward_gateway_request_seconds_bucket" in text
    assert "0199b0c4" not in text
    assert "secret" not in text


async def test_the_documents_of_both_services_are_one(keys: KeyFiles) -> None:
    licensing, plans = Upstream("licensing"), Upstream("plans")
    async with (
        serving(licensing, licensing.port),
        serving(plans, plans.port),
        running_gateway(
            keys, licensing=licensing.url, plans=plans.url, settings={"test_clocks": True}
        ) as client,
    ):
        licensing.body = orjson.dumps(service_document("/v1/licenses", "<License> & more"))
        plans.status = 503
        async with client.request("GET", "/v1/openapi.json") as answer:
            assert answer.status == 503
        plans.reset()
        plans.body = orjson.dumps(service_document("/v1/plans", "Plan"))
        async with client.request("GET", "/v1/openapi.json") as answer:
            assert answer.status == 200
            document = await answer.json()
        assert document["openapi"].startswith("3.1")
        paths = {"/v1/licenses", "/v1/plans", "/v1/openapi.json", "/v1/test-clock", "/dev/tokens"}
        assert paths <= set(document["paths"])
        assert "/internal/test-clock" not in document["paths"]
        async with client.request("GET", "/docs") as answer:
            page = await answer.text()
            assert answer.content_type == "text/html"
        assert "&lt;License&gt; &amp; more" in page
        assert "://" not in page.replace("https://siteward.dev", "").partition("<style>")[0]
        assert len(licensing.seen) == 2


def service_document(path: str, summary: str) -> dict[str, Any]:
    return {
        "openapi": "3.1.0",
        "info": {"title": "inner", "version": "1"},
        "paths": {
            path: {"get": {"summary": summary, "operationId": "list", "responses": {"200": {}}}},
            "/internal/test-clock": {"get": {"responses": {}}},
        },
    }


async def test_the_events_are_documented_too(client: Client) -> None:
    async with client.request("GET", "/asyncapi.yaml") as answer:
        assert answer.status == 200
        assert (await answer.text()).startswith(("asyncapi:", "#"))
