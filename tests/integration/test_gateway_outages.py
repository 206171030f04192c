"""What does a caller notice when a service is down, restarts, or breaks off?"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.gateway_system import (
    Client,
    KeyFiles,
    Upstream,
    free_port,
    misbehaving,
    running_gateway,
    serving,
    until,
)

GOOD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> KeyFiles:
    return KeyFiles(Path(tmp_path_factory.mktemp("keys")))


async def problem(client: Client, method: str, **options: Any) -> dict[str, Any]:
    headers = await client.bearer()
    async with client.request(method, "/v1/licenses", headers=headers, **options) as answer:
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"
        document: dict[str, Any] = await answer.json(content_type="application/problem+json")
        assert document["code"] == "ServiceUnavailable"
        return document


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_waits_for_a_service_that_is_just_restarting(keys: KeyFiles, method: str) -> None:
    upstream = Upstream()
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client:
        headers = await client.bearer()
        waiting = asyncio.create_task(status_of(client, method, headers))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(waiting), 0.3)
        async with serving(upstream, upstream.port):
            assert await waiting == 200
            assert len(upstream.seen) == 1


async def status_of(client: Client, method: str, headers: dict[str, str]) -> int:
    body = {"quantity": 1} if method == "POST" else None
    async with client.request(method, "/v1/licenses", headers=headers, json=body) as answer:
        status: int = answer.status
        return status


async def test_a_service_that_stays_away_is_answered_for_within_bounds(keys: KeyFiles) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    async with running_gateway(
        keys, licensing=nobody, plans=nobody, settings={"upstream_patience": 0.2}
    ) as client:
        await problem(client, "POST", json={})


async def test_connections_from_before_a_restart_are_not_used_after_it(keys: KeyFiles) -> None:
    upstream = Upstream()
    async with running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client:
        headers = await client.bearer()
        for _ in range(3):
            async with serving(upstream, upstream.port):
                for method in ("POST", "GET", "POST"):
                    assert await status_of(client, method, headers) == 200
    assert len(upstream.seen) == 9


async def test_a_read_that_broke_off_is_sent_once_more(keys: KeyFiles) -> None:
    async with (
        misbehaving(lambda _: b"", lambda _: GOOD) as url,
        running_gateway(keys, licensing=url, plans=url) as client,
        client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer,
    ):
        assert await answer.read() == b"ok"


async def test_a_read_is_not_sent_a_third_time(keys: KeyFiles) -> None:
    heads: list[bytes] = []

    def hang_up(head: bytes) -> bytes:
        heads.append(head)
        return b""

    async with misbehaving(hang_up) as url, running_gateway(keys, licensing=url, plans=url) as client:
        await problem(client, "GET")
    assert len(heads) == 2


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_write_that_broke_off_may_have_taken_effect_so_it_is_not_sent_again(
    keys: KeyFiles, method: str
) -> None:
    heads: list[bytes] = []

    def hang_up(head: bytes) -> bytes:
        heads.append(head)
        return b""

    async with misbehaving(hang_up) as url, running_gateway(keys, licensing=url, plans=url) as client:
        assert "Idempotency-Key" in (await problem(client, method, json={}))["detail"]
    assert len(heads) == 1


async def test_a_service_that_keeps_silent_is_given_up(keys: KeyFiles) -> None:
    async with (
        misbehaving(lambda _: None) as url,
        running_gateway(keys, licensing=url, plans=url, settings={"upstream_timeout": 1}) as client,
    ):
        await problem(client, "GET")


async def test_a_large_body_of_which_nothing_more_comes_is_given_up_and_no_outage(keys: KeyFiles) -> None:
    upstream, over = Upstream(), asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b"{" * 1000
        await over.wait()

    async def refused(client: Client, length: dict[str, str]) -> None:
        headers = length | await client.bearer()
        async with client.request("POST", "/v1/licenses", headers=headers, data=half()) as answer:
            assert (answer.status, answer.headers["Connection"]) == (408, "close")
            assert (await answer.json(content_type=None))["code"] == "RequestTimeout"

    async with (
        serving(upstream, upstream.port),
        running_gateway(
            keys, licensing=upstream.url, plans=upstream.url, settings={"upstream_timeout": 1}
        ) as client,
    ):
        await asyncio.gather(refused(client, {}), refused(client, {"Content-Length": "900000"}))
        over.set()
    assert upstream.seen == []


async def test_an_answer_that_is_no_http_is_an_outage(keys: KeyFiles) -> None:
    async with (
        misbehaving(lambda _: b"220 mail.example ESMTP\r\n\r\n") as url,
        running_gateway(keys, licensing=url, plans=url) as client,
    ):
        await problem(client, "POST", json={})


async def test_an_answer_that_breaks_off_is_cut_and_not_passed_for_whole(keys: KeyFiles) -> None:
    long = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b"x" * 200_000
    async with (
        misbehaving(lambda _: long) as url,
        running_gateway(keys, licensing=url, plans=url) as client,
        client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer,
    ):
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_small_answer_that_breaks_off_is_an_outage(keys: KeyFiles) -> None:
    short = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    async with misbehaving(lambda _: short) as url, running_gateway(keys, licensing=url, plans=url) as client:
        await problem(client, "POST", json={})


async def test_an_answer_that_ends_with_its_connection_is_whole(keys: KeyFiles) -> None:
    old = b"HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\n" + b"x" * 100_000
    async with (
        misbehaving(lambda _: old) as url,
        running_gateway(keys, licensing=url, plans=url) as client,
        client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer,
    ):
        assert await answer.read() == b"x" * 100_000


async def test_an_interim_answer_is_not_the_answer(keys: KeyFiles) -> None:
    both = b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + GOOD
    async with (
        misbehaving(lambda _: both) as url,
        running_gateway(keys, licensing=url, plans=url) as client,
        client.request("GET", "/v1/licenses", headers=await client.bearer()) as answer,
    ):
        assert await answer.read() == b"ok"
        assert "Link" not in answer.headers


async def test_what_a_service_sends_unasked_is_nobodys_answer(keys: KeyFiles) -> None:
    unasked = b"HTTP/1.1 200 OK\r\nx-stray: 1\r\ncontent-length: 5\r\n\r\nstray"
    async with (
        misbehaving(lambda _: GOOD + unasked) as url,
        running_gateway(keys, licensing=url, plans=url) as client,
    ):
        headers = await client.bearer()
        for _ in range(3):
            async with client.request("POST", "/v1/licenses", headers=headers) as answer:
                assert await answer.read() == b"ok"
                assert "X-Stray" not in answer.headers


async def test_a_client_that_leaves_in_the_middle_of_its_body_does_no_harm(keys: KeyFiles) -> None:
    upstream = Upstream()
    async with (
        serving(upstream, upstream.port),
        running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client,
    ):
        headers = await client.bearer()
        port = int(client.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /v1/licenses HTTP/1.1\r\nhost: a\r\ncontent-length: 500000\r\n"
            b"authorization: %b\r\n\r\n%b" % (headers["Authorization"].encode(), b"x" * 100_000)
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()

        async def answers() -> bool:
            return await status_of(client, "GET", headers) == 200

        assert await until(answers)
        assert [seen.method for seen in upstream.seen] == ["GET"]


async def test_ready_means_that_both_services_are(keys: KeyFiles) -> None:
    licensing, plans = Upstream("licensing"), Upstream("plans")
    async with (
        serving(licensing, licensing.port),
        running_gateway(keys, licensing=licensing.url, plans=plans.url) as client,
    ):
        assert await ready(client) == 503
        async with serving(plans, plans.port):
            assert await ready(client) == 200
            plans.status = 503
            assert await ready(client) == 503


async def ready(client: Client) -> int:
    async with client.request("GET", "/livez") as answer:
        assert answer.status == 200
    async with client.request("GET", "/readyz") as answer:
        status: int = answer.status
        return status


async def test_many_at_once_share_connections_without_mixing_answers(keys: KeyFiles) -> None:
    upstream = Upstream()

    async def echo(scope: Any, _: Any, send: Any) -> None:
        body = scope["raw_path"]
        length = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": length})
        await send({"type": "http.response.body", "body": body})

    async with (
        serving(echo, upstream.port),
        running_gateway(keys, licensing=upstream.url, plans=upstream.url) as client,
    ):
        headers = await client.bearer()

        async def one(number: int) -> None:
            path = f"/v1/licenses/{number}"
            async with client.request("GET", path, headers=headers) as answer:
                assert await answer.read() == path.encode()

        for _ in range(5):
            await asyncio.gather(*(one(number) for number in range(100)))
