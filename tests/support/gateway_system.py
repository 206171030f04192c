"""A gateway on a real socket, with upstreams that are real servers too."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import orjson
from joserfc.jwk import OKPKey

from gateway.app import Gateway
from gateway.exchange import Receive, Scope, Send
from gateway.settings import GatewaySettings
from shared.process import serve
from tests.support.listens import listens

TENANT = "0199b0c4-0000-7000-8000-000000000001"
_DEADLINE = 10.0
_T = TypeVar("_T")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def until(condition: Callable[[], Awaitable[_T]]) -> _T:
    """What `condition` answers, once that is true; fails after a while."""
    deadline = time.monotonic() + _DEADLINE
    while True:
        if found := await condition():
            return found
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def serving(app: Any, port: int, *, keep_idle: int = 5) -> AsyncIterator[None]:
    """Serve `app` on `port` as our processes do, until the block ends."""
    task = asyncio.create_task(serve(app, host="127.0.0.1", port=port, keep_idle=keep_idle))
    try:
        await until(lambda: listens(port))
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@dataclass
class Seen:
    """A request as an upstream saw it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Upstream:
    """A small server that answers every request alike, and remembers what it was sent."""

    name: str = "upstream"
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.status = 200
        self.headers = [(b"content-type", b"application/json")]
        self.body = orjson.dumps({"from": self.name})
        self.body_limit: int | None = None
        """Bytes after which it answers 413 without reading on."""
        self.seen: list[Seen] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self) -> Seen:
        return self.seen[-1]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application."""
        body = b""
        more = True
        while more and (self.body_limit is None or len(body) <= self.body_limit):
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        query = scope["query_string"]
        target = (scope["raw_path"] + (b"?" + query if query else b"")).decode()
        self.seen.append(Seen(scope["method"], target, headers, body))
        if more:
            await self._answer(send, 413, [(b"content-type", b"application/problem+json")], b'{"status":413}')
        else:
            await self._answer(send, self.status, self.headers, self.body)

    @staticmethod
    async def _answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        length = [] if status in (204, 304) else [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": [*headers, *length]})
        await send({"type": "http.response.body", "body": body, "more_body": False})


class KeyFiles:
    """Key files as a gateway is given them."""

    def __init__(self, folder: Path) -> None:
        self.signing = OKPKey.generate_key("Ed25519", {"kid": "gateway"})
        self.issuer = OKPKey.generate_key("Ed25519", {"kid": "development"})
        self.signing_file = self._write(folder / "signing.json", self.signing)
        self.issuer_file = self._write(folder / "issuer.json", self.issuer)

    @staticmethod
    def _write(path: Path, key: OKPKey) -> Path:
        path.write_bytes(orjson.dumps(key.as_dict(private=True)))
        return path


class Client:
    """Speaks to one gateway over HTTP."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.session = session

    def request(self, method: str, path: str, **options: Any) -> Any:
        return self.session.request(method, self.url + path, **options)

    async def token(
        self, *, principal: str = "ada", tenant: str = TENANT, roles: tuple[str, ...] = ()
    ) -> str:
        body = {"tenant_id": tenant, "principal": principal, "roles": list(roles)}
        async with self.request("POST", "/dev/tokens", json=body) as answer:
            assert answer.status == 200, await answer.text()
            token: str = (await answer.json())["access_token"]
            return token

    async def bearer(self, **whom: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {await self.token(**whom)}"}


@asynccontextmanager
async def running_gateway(
    keys: KeyFiles,
    *,
    licensing: str,
    plans: str,
    dev_issuer: bool = True,
    settings: Mapping[str, Any] | None = None,
) -> AsyncIterator[Client]:
    """A gateway in this process, on a port of its own."""
    given = GatewaySettings(
        internal_signing_key=keys.signing_file,
        dev_issuer_key=keys.issuer_file if dev_issuer else None,
        licensing_url=licensing,
        plans_url=plans,
        port=free_port(),
        **(settings or {}),
    )
    async with (
        Gateway(given) as gateway,
        serving(gateway, given.port),
        aiohttp.ClientSession(auto_decompress=False) as session,
    ):
        yield Client(f"http://127.0.0.1:{given.port}", session)


@asynccontextmanager
async def misbehaving(*acts: Callable[[bytes], bytes | None]) -> AsyncIterator[str]:
    """The url of a server that plays one act a connection, the last one for all that follow.

    An act is handed the head of a request and answers with what is written before the connection is closed;
    None keeps it open in silence.
    """
    left = list(acts)
    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        act = left.pop(0) if len(left) > 1 else left[0]
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            written = act(await reader.readuntil(b"\r\n\r\n"))
            if written is None:
                await over.wait()
            else:
                writer.write(written)
        writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        over.set()
        server.close()
        await server.wait_closed()
