"""Does a request reach its service whole and clean, and its answer come back the same way?"""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from joserfc.jwk import KeySet

from gateway import exchange
from gateway.exchange import Receive, Scope, Send
from gateway.http1 import HIGH_WATER, Connection, Pool
from shared.identity import InternalTokens
from tests.support.gateway_system import TENANT, Client, KeyFiles, Upstream, running_gateway, serving, until


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(Path(tmp_path_factory.mktemp("keys")))


@pytest.fixture(scope="module")
async def upstreams() -> AsyncIterator[tuple[Upstream, Upstream]]:
    licensing, plans = Upstream("licensing"), Upstream("plans")
    async with serving(licensing, licensing.port), serving(plans, plans.port):
        yield licensing, plans


@pytest.fixture
def licensing(upstreams: tuple[Upstream, Upstream]) -> Upstream:
    upstreams[0].reset()
    return upstreams[0]


@pytest.fixture
def plans(upstreams: tuple[Upstream, Upstream]) -> Upstream:
    upstreams[1].reset()
    return upstreams[1]


@pytest.fixture(scope="module")
async def client(keys: KeyFiles, upstreams: tuple[Upstream, Upstream]) -> AsyncIterator[Client]:
    licensing, plans = upstreams
    async with running_gateway(keys, licensing=licensing.url, plans=plans.url) as client:
        yield client


async def test_a_path_reaches_its_service_just_as_it_was_written(
    client: Client, licensing: Upstream, plans: Upstream
) -> None:
    headers = await client.bearer()
    async with client.request(
        "GET", "/v1/licenses/a%20b?status=active&sku=%C3%BC", headers=headers
    ) as answer:
        assert await answer.json() == {"from": "licensing"}
    assert licensing.last.target == "/v1/licenses/a%20b?status=active&sku=%C3%BC"
    async with client.request("GET", "/v1/subscriptions/x/plan", headers=headers) as answer:
        assert await answer.json() == {"from": "plans"}
    assert plans.last.target == "/v1/subscriptions/x/plan"


async def test_the_service_learns_of_the_caller_by_the_internal_token_alone(
    client: Client, keys: KeyFiles, licensing: Upstream
) -> None:
    headers = await client.bearer(principal="ada", roles=("GlobalReader",))
    async with client.request("GET", "/v1/licenses", headers=headers):
        pass
    principal = InternalTokens(KeySet([keys.signing])).principal(licensing.last.headers["authorization"])
    assert principal.id == "ada"
    assert str(principal.tenant_id) == TENANT
    assert principal.roles == {"GlobalReader"}
    first = licensing.last.headers["authorization"]
    async with client.request("GET", "/v1/licenses", headers=headers):
        pass
    assert licensing.last.headers["authorization"] == first


async def test_what_concerns_one_connection_or_could_be_pretended_is_not_passed_on(
    client: Client, licensing: Upstream
) -> None:
    dropped = {
        "Connection": "keep-alive, X-Secret",
        "X-Secret": "1",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Proxy-Authorization": "Basic x",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Proto": "https",
        "Forwarded": "for=10.0.0.1",
    }
    passed = {"Idempotency-Key": "k-1", "If-Match": '"3-abc"', "Accept-Encoding": "gzip"}
    headers = dropped | passed | await client.bearer()
    async with client.request("GET", "/v1/licenses", headers=headers):
        pass
    seen = licensing.last.headers
    assert not {name.lower() for name in dropped} & set(seen)
    assert {name: seen[name.lower()] for name in passed} == passed
    assert seen["host"] == client.url.removeprefix("http://")


async def test_an_answer_comes_back_with_its_own_headers_and_none_of_the_servers(
    client: Client, licensing: Upstream
) -> None:
    licensing.status = 409
    licensing.headers = [
        (b"content-type", b"application/problem+json"),
        (b"etag", b'"1-a"'),
        (b"link", b"</v1/licenses?cursor=x>; rel=next"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"server", b"inner"),
        (b"keep-alive", b"timeout=5"),
        (b"x-request-id", b"another"),
    ]
    headers = {"X-Request-Id": "mine"} | await client.bearer()
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert answer.status == 409
        assert answer.headers["ETag"] == '"1-a"'
        assert answer.headers["Link"] == "</v1/licenses?cursor=x>; rel=next"
        assert answer.headers.getall("Set-Cookie") == ["a=1", "b=2"]
        assert answer.headers.getall("X-Request-Id") == ["mine"]
        assert "Server" not in answer.headers
        assert "Keep-Alive" not in answer.headers
        assert len(answer.headers.getall("Date")) == 1


async def test_a_coded_answer_is_passed_on_as_it_is(client: Client, licensing: Upstream) -> None:
    licensing.body = gzip.compress(b'{"from":"licensing"}')
    licensing.headers = [(b"content-type", b"application/json"), (b"content-encoding", b"gzip")]
    async with client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer:
        assert await answer.read() == licensing.body
        assert answer.headers["Content-Encoding"] == "gzip"


async def test_a_large_answer_that_was_there_before_it_was_asked_for_leaves_a_connection_of_use(
    licensing: Upstream,
) -> None:
    pool = Pool(licensing.url, silence=5)

    async def answer() -> bytes:
        connection = await pool.take()
        try:
            await connection.exchange(b"GET / HTTP/1.1\r\nhost: test\r\n\r\n")
            await until(lambda: _is_complete(connection))
            return connection.body()
        finally:
            connection.release()

    try:
        for size in (HIGH_WATER + 1, 1, HIGH_WATER + 1, 1):
            licensing.body = b"x" * size
            assert len(await answer()) == size
    finally:
        pool.close()


async def test_a_small_body_that_does_not_come_is_not_waited_for(
    client: Client, licensing: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "_WHOLE_BODY", 0.1)
    over = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b"{"
        await over.wait()

    headers = {"Content-Length": "2"} | await client.bearer()
    async with client.request("POST", "/v1/licenses", headers=headers, data=half()) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (408, "RequestTimeout")
    over.set()
    assert licensing.seen == []


async def _is_complete(connection: Connection) -> bool:
    return connection.complete


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("size", [0, 1, 1000, 64 * 1024, 64 * 1024 + 1, 900_000])
async def test_a_body_of_any_size_arrives_whole(
    client: Client, licensing: Upstream, method: str, size: int
) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    headers = {"Content-Type": "application/octet-stream"} | await client.bearer()
    async with client.request(method, "/v1/licenses", data=body[:size], headers=headers) as answer:
        assert answer.status == 200
    assert licensing.last.method == method
    assert licensing.last.body == body[:size]


async def test_a_body_of_unknown_length_arrives_whole(client: Client, licensing: Upstream) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for part in (b"a", b"b" * 100_000, b"c"):
            yield part

    async with client.request("POST", "/v1/licenses", data=parts(), headers=await client.bearer()) as answer:
        assert answer.status == 200
    assert licensing.last.body == b"a" + b"b" * 100_000 + b"c"
    assert licensing.last.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("size", [0, 1, 64 * 1024, 64 * 1024 + 1, 5_000_000])
async def test_an_answer_of_any_size_comes_back_whole(client: Client, licensing: Upstream, size: int) -> None:
    licensing.body = b"x" * size
    async with client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer:
        assert len(await answer.read()) == size
        assert answer.headers["Content-Length"] == str(size)


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_leaves_the_connection_fit_for_the_next(
    client: Client, licensing: Upstream, status: int
) -> None:
    headers = await client.bearer()
    licensing.status, licensing.body = status, b""
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert answer.status == status
        assert await answer.read() == b""
    licensing.status, licensing.body = 200, b"next"
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert await answer.read() == b"next"


async def test_head_is_answered_with_the_headers_alone(client: Client, licensing: Upstream) -> None:
    headers = await client.bearer()
    async with client.request("HEAD", "/v1/licenses", headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Length"] == str(len(licensing.body))
        assert await answer.read() == b""
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert await answer.read() == licensing.body


@pytest.mark.parametrize("chunked", [False, True])
async def test_an_early_refusal_is_passed_on_while_the_body_still_comes(
    client: Client, licensing: Upstream, *, chunked: bool
) -> None:
    licensing.body_limit = 1024 * 1024

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x" * 100_000

    headers = await client.bearer()
    length = {} if chunked else {"Content-Length": "20000000"}
    async with client.request("POST", "/v1/licenses", data=parts(), headers=headers | length) as answer:
        assert answer.status == 413
        assert await answer.read() == b'{"status":413}'
    assert len(licensing.last.body) < 2_000_000
    licensing.body_limit = None
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert answer.status == 200


async def test_a_large_body_never_stands_in_the_gateways_memory(keys: KeyFiles) -> None:
    size = 64 * 1024 * 1024
    taken = 0

    async def reader(_: Scope, receive: Receive, send: Send) -> None:
        nonlocal taken
        more = True
        while more:
            message = await receive()
            taken += len(message.get("body", b""))
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    async def parts() -> AsyncIterator[bytes]:
        part = b"x" * 65_536
        for _ in range(size // len(part)):
            yield part

    upstream = Upstream()
    async with (
        serving(reader, upstream.port),
        running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client,
    ):
        headers = await client.bearer()
        tracemalloc.start()
        try:
            async with client.request("POST", "/v1/licenses", data=parts(), headers=headers) as answer:
                assert answer.status == 204
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert taken == size
    assert peak < 8 * 1024 * 1024


async def test_parts_of_an_answer_come_as_they_are_made(keys: KeyFiles) -> None:
    may_go_on = asyncio.Event()

    async def teller(_: Scope, __: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await may_go_on.wait()
        await send({"type": "http.response.body", "body": b"second"})

    upstream = Upstream()
    async with (
        serving(teller, upstream.port),
        running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client,
        client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer,
    ):
        assert await answer.content.readany() == b"first"
        may_go_on.set()
        assert await answer.read() == b"second"


@pytest.mark.parametrize(
    ("status", "code"), [(500, "InternalError"), (502, "InternalError"), (401, "InternalError")]
)
async def test_a_services_raw_error_is_not_shown(
    client: Client, licensing: Upstream, status: int, code: str
) -> None:
    licensing.status, licensing.body = status, b"Traceback: secret"
    licensing.headers = [(b"content-type", b"text/plain")]
    async with client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer:
        assert answer.status == 500
        document = await answer.json(content_type="application/problem+json")
        assert document["code"] == code
        assert "secret" not in str(document)


async def test_a_services_own_problem_is_passed_on(client: Client, licensing: Upstream) -> None:
    licensing.status, licensing.body = 503, b'{"code":"ServiceUnavailable"}'
    licensing.headers = [(b"content-type", b"application/problem+json"), (b"retry-after", b"1")]
    async with client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        assert await answer.read() == licensing.body


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/v1/test-clock", "/v1/internal/test-clock", "/v1/licenses/%2e%2e/x"]
)
async def test_an_unknown_path_is_404_after_401(
    client: Client, licensing: Upstream, plans: Upstream, path: str
) -> None:
    async with client.request("GET", path) as answer:
        assert answer.status == 401
    async with client.request("GET", path, headers=await client.bearer()) as answer:
        assert answer.status == 404
        assert (await answer.json(content_type="application/problem+json"))["code"] == "NotFound"
    assert licensing.seen == plans.seen == []


@pytest.mark.parametrize("path", ["/", "/nothing", "/internal/test-clock", "/openapi.json", "/v1"])
async def test_outside_of_v1_an_unknown_path_is_404(client: Client, path: str) -> None:
    async with client.request("GET", path) as answer:
        assert answer.status == 404


async def test_the_public_keys_need_no_token(client: Client, plans: Upstream) -> None:
    async with client.request("GET", "/.well-known/siteward-keys") as answer:
        assert answer.status == 200
    assert "authorization" not in plans.last.headers


@pytest.mark.parametrize("given", ["a", "A-b_c.9", "x" * 128])
async def test_a_request_id_is_echoed_and_passed_on(client: Client, licensing: Upstream, given: str) -> None:
    headers = {"X-Request-Id": given} | await client.bearer()
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        assert answer.headers["X-Request-Id"] == given
    assert licensing.last.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["", "a b", "x" * 129, "a/b", "ü"])
async def test_a_request_id_that_does_not_fit_is_replaced(
    client: Client, licensing: Upstream, given: str
) -> None:
    headers = {"X-Request-Id": given} | await client.bearer()
    async with client.request("GET", "/v1/licenses", headers=headers) as answer:
        minted = answer.headers["X-Request-Id"]
    assert minted != given
    assert licensing.last.headers["x-request-id"] == minted


async def test_a_refusal_names_its_request(client: Client) -> None:
    async with client.request("GET", "/v1/licenses", headers={"X-Request-Id": "r-1"}) as answer:
        document = await answer.json(content_type="application/problem+json")
    assert answer.headers["X-Request-Id"] == document["request_id"] == "r-1"
    assert document["instance"] == "/v1/licenses"


async def test_a_trace_goes_on_where_there_is_one_and_begins_where_there_is_none(
    client: Client, licensing: Upstream
) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    bearer = await client.bearer()
    async with client.request(
        "GET", "/v1/licenses", headers={"traceparent": given, "tracestate": "a=1"} | bearer
    ):
        pass
    assert licensing.last.headers["traceparent"] == given
    assert licensing.last.headers["tracestate"] == "a=1"
    for broken in ("", "00-x-y-01", f"00-{'0' * 32}-00f067aa0ba902b7-01", given.replace("00-", "ff-", 1)):
        async with client.request(
            "GET", "/v1/licenses", headers={"traceparent": broken, "tracestate": "a=1"} | bearer
        ):
            pass
        made = licensing.last.headers["traceparent"]
        assert made != broken
        assert [len(part) for part in made.split("-")] == [2, 32, 16, 2]
        assert "tracestate" not in licensing.last.headers
