"""How does a client speak to Siteward so that no failure on the way makes it lose, or do, anything twice?"""

import asyncio
import io
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp
import orjson
from multidict import CIMultiDictProxy

PATIENCE: Final = 30.0
"""Seconds for which a request is sent again before its sender gives up."""
_ONE_TRY: Final = aiohttp.ClientTimeout(total=10)
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.5
_FAILURES: Final = (aiohttp.ClientError, OSError, TimeoutError)
_STILL_RUNNING: Final = "RequestInProgress"


class NotAnswered(Exception):
    """Nobody has answered for as long as the client was willing to wait; the message says what came instead."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    content: bytes
    sent: int
    """How often the request was sent. After the first time it is unknown whether an earlier one took effect."""

    @property
    def body(self) -> Any:
        """The body's JSON; None where there is none. Raises ValueError where it is something else."""
        return orjson.loads(self.content) if self.content else None

    @property
    def code(self) -> str | None:
        """The `code` of a problem document; None for any other answer."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return None
        code: str = self.body["code"]
        return code


class Client:
    """One caller's requests to the gateway at `url`."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self._session = session
        self._url = url.rstrip("/")
        self._token = token

    def at(self, url: str) -> "Client":
        """The same caller at another address."""
        return Client(self._session, url, self._token)

    async def with_token(
        self,
        tenant: UUID,
        *,
        principal: str = "ada@example.com",
        roles: tuple[str, ...] = ("GlobalAdministrator",),
        expires_in: int = 3600,
    ) -> "Client":
        """The same client with a token of the development issuer.

        Raises PermissionError where that is off, NotAnswered.
        """
        wish = {
            "tenant_id": str(tenant),
            "principal": principal,
            "roles": list(roles),
            "scopes": [],
            "expires_in": expires_in,
        }
        answer = await self.insist("POST", "/dev/tokens", wish)
        if answer.status != HTTPStatus.OK:
            raise PermissionError(f"{self._url}/dev/tokens answers {answer.status} instead of a token")
        return Client(self._session, self._url, answer.body["access_token"])

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request once, with `body` as JSON or `content` as it is.

        Raises aiohttp.ClientError, OSError or TimeoutError where no answer comes.
        """
        own = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        if body is not None:
            content = orjson.dumps(body)
        if content is not None:
            own["Content-Type"] = "application/json"
        async with self._session.request(
            method,
            self._url + path,
            data=None if content is None else io.BytesIO(content),
            headers={**own, **(headers or {})},
            timeout=_ONE_TRY,
            allow_redirects=False,
        ) as response:
            return Answer(response.status, response.headers, await response.read(), sent=1)

    async def insist(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        patience: float = PATIENCE,
        on_failure: Callable[[str], None] = lambda _: None,
    ) -> Answer:
        """Send a request until it is answered; `key` (else a new one) lets a write take effect once.

        Sent again is what met a broken connection, a 503, or its own first sending still at work; `on_failure`
        is told which. Raises NotAnswered after `patience` seconds.
        """
        headers = {} if method == "GET" else {"Idempotency-Key": key or str(uuid4())}
        deadline = time.monotonic() + patience
        pause = _SHORTEST_PAUSE
        sent = 0
        while True:
            sent += 1
            try:
                answer = await self.send(method, path, body, headers=headers)
            except _FAILURES as error:
                failure = str(error) or type(error).__name__
            else:
                if answer.status != HTTPStatus.SERVICE_UNAVAILABLE and answer.code != _STILL_RUNNING:
                    return Answer(answer.status, answer.headers, answer.content, sent)
                failure = f"{answer.status} {answer.code}"
            if time.monotonic() + pause > deadline:
                raise NotAnswered(f"{method} {path} is not answered within {patience:.0f} s: {failure}")
            on_failure(failure)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
