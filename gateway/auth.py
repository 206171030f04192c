"""Who is calling: a bearer token becomes a principal, and the internal token that stands for it."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol, TypeAlias
from uuid import UUID

import aiohttp
import orjson
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, JWKRegistry, OKPKey, RSAKey
from joserfc.jws import CompactSignature, JWSRegistry

from shared.http.problems import Problem, Refused, unauthorized, unavailable
from shared.identity import LIFETIME, NotAuthenticated, Principal, mint

ALGORITHMS: Final = ("Ed25519", "EdDSA", "ES256", "RS256")
"""The first two are one algorithm, by its name in RFC 9864 and by the older one."""
SKEW: Final = 5
"""Seconds by which an issuer's clock may be ahead of ours; nothing is granted after `exp`."""

VerificationKey: TypeAlias = OKPKey | ECKey | RSAKey

_RENEW_BEFORE: Final = 15
"""Seconds before its end at which an internal token is replaced."""
_REMEMBERED: Final = 10_000
_LONGEST_TOKEN: Final = 8_192
_LONGEST_SUBJECT: Final = 255
_KEYS_MAX_AGE: Final = 600.0
"""Seconds after which an issuer's keys are asked for again, so that a withdrawn one stops working."""
_KEYS_MIN_INTERVAL: Final = 10.0
"""Seconds between two looks for a key id that is not known, so that made-up ids cost the issuer nothing."""
_KEY_TYPES: Final = ("OKP", "EC", "RSA")
# Other header fields than RFC 7515's are common, and mean nothing to us.
_REGISTRY: Final = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)

_log: Final = logging.getLogger(__name__)


class Keys(Protocol):
    """Where an issuer's public keys come from."""

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id, or the only one there is when a token names none."""
        ...


class FixedKey:
    """The one key of an issuer that we run ourselves."""

    def __init__(self, key: OKPKey) -> None:
        self._key = key

    async def find(self, kid: str | None) -> VerificationKey | None:
        return self._key if kid in (None, self._key.kid) else None


class PublishedKeys:
    """The keys an OIDC issuer publishes as a JWKS, kept in memory and looked up again for an unknown `kid`."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session
        self._keys: dict[str | None, VerificationKey] = {}
        self._fetched_at: float | None = None
        self._asked_at: float | None = None
        self._fetching = asyncio.Lock()

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id.

        Raises Refused (503) while the issuer has never been reached.
        """
        key = self._pick(kid)
        if key is None or self._older_than(self._fetched_at, _KEYS_MAX_AGE):
            async with self._fetching:
                if self._older_than(self._asked_at, _KEYS_MIN_INTERVAL if self._keys else 1.0):
                    await self._fetch()
            key = self._pick(kid)
        if key is None and self._fetched_at is None:
            raise Refused(unavailable())
        return key

    def _pick(self, kid: str | None) -> VerificationKey | None:
        if kid is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(kid)

    @staticmethod
    def _older_than(moment: float | None, seconds: float) -> bool:
        return moment is None or time.monotonic() - moment > seconds

    async def _fetch(self) -> None:
        self._asked_at = time.monotonic()
        try:
            timeout = aiohttp.ClientTimeout(total=5)
            async with self._session.get(self._url, timeout=timeout, raise_for_status=True) as answer:
                document = orjson.loads(await answer.read())
            keys = [_public_key(entry) for entry in document["keys"]]
        except (aiohttp.ClientError, TimeoutError, ValueError, KeyError, TypeError) as error:
            _log.warning("the issuer's keys at %s cannot be read: %r", self._url, error)
            return
        self._keys = {key.kid: key for key in keys if key is not None}
        self._fetched_at = time.monotonic()


def _public_key(entry: Mapping[str, Any]) -> VerificationKey | None:
    """A key of a JWKS; None for one that can't verify what we accept, such as a kind not known to us."""
    if entry.get("kty") not in _KEY_TYPES or entry.get("use", "sig") != "sig":
        return None
    try:
        key = JWKRegistry.import_key(dict(entry))
    except (JoseError, ValueError, KeyError):
        return None
    return key if isinstance(key, OKPKey | ECKey | RSAKey) else None


@dataclass(slots=True, eq=False)
class Caller:
    """Somebody whose token was verified, for as long as that token lasts."""

    principal: Principal
    expires_at: float
    _internal: bytes = b""
    _internal_until: float = 0.0

    def authorization(self, key: OKPKey, now: float) -> bytes:
        """The `Authorization` header by which a service knows this caller, good for some seconds at least."""
        if now >= self._internal_until:
            self._internal = b"Bearer " + mint(self.principal, key, now=int(now)).encode()
            self._internal_until = int(now) + LIFETIME - _RENEW_BEFORE
        return self._internal


class Callers:
    """Verifies tokens, each one once, and remembers its caller until the token ends."""

    def __init__(self, issuers: Mapping[str, Keys], *, audience: str) -> None:
        self._issuers = issuers
        self._audience = audience
        self._known: dict[bytes, Caller] = {}

    async def identify(self, authorization: bytes | None) -> Caller:
        """The caller that an `Authorization` header names.

        Raises Refused: 401, or 503 while the issuer's keys can't be had.
        """
        known = self._known.get(authorization or b"")
        now = time.time()
        if known is not None:
            if known.expires_at > now:
                return known
            del self._known[authorization or b""]
        scheme, _, token = (authorization or b"").partition(b" ")
        token = token.strip()
        if scheme.lower() != b"bearer" or not token:
            raise Refused(unauthorized("A bearer token is needed."))
        try:
            caller = await self._verify(token, now)
        except NotAuthenticated as error:
            raise Refused(_invalid_token(str(error))) from error
        if len(self._known) >= _REMEMBERED:
            self._forget(now)
        self._known[authorization or b""] = caller
        return caller

    def _forget(self, now: float) -> None:
        living = [(token, caller) for token, caller in self._known.items() if caller.expires_at > now]
        self._known = dict(living[-_REMEMBERED // 2 :])

    async def _verify(self, token: bytes, now: float) -> Caller:
        if len(token) > _LONGEST_TOKEN:
            raise NotAuthenticated("The token is too long.")
        try:
            signature = jws.extract_compact(token, registry=_REGISTRY)
            claims = orjson.loads(signature.payload or b"")
        except (JoseError, ValueError) as error:
            raise NotAuthenticated("The token is not a signed JWT.") from error
        if not isinstance(claims, dict):
            raise NotAuthenticated("The token is not a signed JWT.")
        await self._check_signature(signature, claims.get("iss"))
        return _caller(claims, audience=self._audience, now=now)

    async def _check_signature(self, signature: CompactSignature, issuer: object) -> None:
        header = signature.headers()
        keys = self._issuers.get(issuer) if isinstance(issuer, str) else None
        if keys is None:
            raise NotAuthenticated("The token's issuer is not known here.")
        if header.get("alg") not in ALGORITHMS:
            raise NotAuthenticated("The token's algorithm is not accepted.")
        kid = header.get("kid")
        key = await keys.find(kid if isinstance(kid, str) else None)
        try:
            if key is not None and jws.validate_compact(signature, key, registry=_REGISTRY):
                return
        except (JoseError, ValueError) as error:
            raise NotAuthenticated("The token's signature does not fit.") from error
        raise NotAuthenticated("The token's signature does not fit.")


def _caller(claims: Mapping[str, Any], *, audience: str, now: float) -> Caller:
    """What a token whose signature fits says about its bearer."""
    audiences = claims.get("aud")
    if audience not in (audiences if isinstance(audiences, list) else [audiences]):
        raise NotAuthenticated("The token is for somebody else.")
    expires_at = _seconds(claims.get("exp"))
    if expires_at <= now:
        raise NotAuthenticated("The token has expired.")
    if _seconds(claims.get("nbf", 0)) > now + SKEW:
        raise NotAuthenticated("The token is not valid yet.")
    subject = claims.get("sub")
    if not (isinstance(subject, str) and 0 < len(subject) <= _LONGEST_SUBJECT and subject.isprintable()):
        raise NotAuthenticated("The token has no valid sub.")
    try:
        tenant = UUID(claims["tid"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise NotAuthenticated("The token has no valid tid.") from error
    scopes = _words(claims, "scopes") | _words(claims, "scope") | _words(claims, "scp")
    return Caller(Principal(subject, tenant, _words(claims, "roles"), scopes), expires_at)


def _words(claims: Mapping[str, Any], name: str) -> frozenset[str]:
    """A claim that is a list of words, or the same in one string as OAuth's `scope` is."""
    value = claims.get(name) or []
    words = value.split() if isinstance(value, str) else value
    if not (isinstance(words, list) and all(isinstance(word, str) for word in words)):
        raise NotAuthenticated(f"The token's {name} is not a list of words.")
    return frozenset(words)


def _seconds(value: object) -> float:
    """A NumericDate."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAuthenticated("The token has no valid exp or nbf.")
    return float(value)


def _invalid_token(detail: str) -> Problem:
    return replace(
        unauthorized(detail),
        headers={"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{detail}"'},
    )
