"""Who is calling: the principal, and the short-lived token by which the gateway tells the services."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from uuid import UUID

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey
from pydantic import BaseModel, ConfigDict, Field

AUDIENCE: Final = "siteward-internal"
LIFETIME: Final = 60
"""Seconds an internal token is good for."""
_ALGORITHMS: Final = ["Ed25519"]
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller within a tenant.

    `roles` are directory roles (`GlobalAdministrator`, …); roles on a subscription are data of the plans
    service. `scopes` are an operator's.
    """

    id: str
    tenant_id: UUID
    roles: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()


class NotAuthenticated(Exception):
    """No token, or none that is believed. The message says what is wrong, never what the token holds."""


def mint(principal: Principal, key: OKPKey, *, now: int) -> str:
    """An internal token for `principal`, issued at `now` (seconds since the epoch)."""
    claims = {
        "aud": AUDIENCE,
        "sub": principal.id,
        "tid": str(principal.tenant_id),
        "roles": sorted(principal.roles),
        "scopes": sorted(principal.scopes),
        "iat": now,
        "exp": now + LIFETIME,
    }
    return jwt.encode({"alg": "Ed25519", "kid": key.kid}, claims, key, algorithms=_ALGORITHMS)


class InternalTokens:
    """Verifies internal tokens; each one once, then from memory until it expires."""

    def __init__(self, keys: KeySet) -> None:
        self._keys = keys
        self._known: dict[str, tuple[int, Principal]] = {}

    @classmethod
    def from_file(cls, jwks: Path) -> Self:
        """From the public keys in a JWKS file."""
        return cls(KeySet.import_key_set(orjson.loads(jwks.read_bytes())))

    def principal(self, authorization: str | None) -> Principal:
        """The caller that an `Authorization` header names.

        Raises NotAuthenticated.
        """
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise NotAuthenticated("A bearer token is needed.")
        known = self._known.get(token)
        if known is None:
            known = self._verify(token)
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            self._known[token] = known
        expires, principal = known
        if expires <= time.time():
            raise NotAuthenticated("The token has expired.")
        return principal

    def _verify(self, token: str) -> tuple[int, Principal]:
        try:
            claims = _Claims.model_validate(jwt.decode(token, self._keys, algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError, KeyError, TypeError) as error:
            raise NotAuthenticated("The token is not valid.") from error
        if claims.aud != AUDIENCE:
            raise NotAuthenticated("The token is for somebody else.")
        principal = Principal(claims.sub, claims.tid, frozenset(claims.roles), frozenset(claims.scopes))
        return claims.exp, principal


class _Claims(BaseModel):
    model_config = ConfigDict(strict=True)

    aud: str
    sub: str = Field(min_length=1)
    tid: UUID = Field(strict=False)
    roles: list[str]
    scopes: list[str]
    exp: int
