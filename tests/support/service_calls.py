"""Calls to a service as the gateway makes them, and the answers as they come."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final
from uuid import UUID

import aiohttp
import orjson
from joserfc.jwk import OKPKey

from shared.identity import Principal, mint

SIGNING_KEY: Final = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
"""The gateway's, of this pytest session."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By name, whatever the case."""
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def code(self) -> str | None:
        """Of a problem document; None for any other answer."""
        if self.headers.get("Content-Type") != "application/problem+json":
            return None
        code: str = self.json["code"]
        return code

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def replayed(self) -> bool:
        return self.headers.get("Idempotency-Replayed") == "true"


class ServiceClient:
    """One service, called for one principal; None: by somebody without a token."""

    def __init__(self, http: aiohttp.ClientSession, url: str, principal: Principal | None) -> None:
        self._http = http
        self._url = url
        self._principal = principal

    async def get(self, path: str, *, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.send("GET", path, headers=headers)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        return await self.send("POST", path, body, key=key, headers=headers)

    async def put(self, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None) -> Answer:
        return await self.send("PUT", path, body, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """`body`: bytes go as they are, None is no body, anything else is sent as JSON."""
        sent = {} if self._principal is None else {"Authorization": f"Bearer {token(self._principal)}"}
        if body is not None:
            sent["Content-Type"] = "application/json"
        if key is not None:
            sent["Idempotency-Key"] = key
        sent |= headers or {}
        data = None if body is None else BytesIO(body if isinstance(body, bytes) else orjson.dumps(body))
        async with self._http.request(
            method, self._url + path, data=data, headers=sent, skip_auto_headers=["Content-Type"]
        ) as response:
            return Answer(response.status, response.headers, await response.read())


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal of a tenant, and each service as that principal reaches it."""

    principal: Principal
    licensing: ServiceClient
    plans: ServiceClient

    @property
    def tenant(self) -> UUID:
        return self.principal.tenant_id


def token(principal: Principal) -> str:
    """An internal token, as the gateway would mint it now."""
    return mint(principal, SIGNING_KEY, now=int(time.time()))
