"""The keys of activation files: a JWKS (RFC 7517) of Ed25519 keys, private in a file of ours, public for everybody."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

_CURVE: Final = "Ed25519"


class NotAKeySet(Exception):
    """The message says what is wrong, never what is in it."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key. It has no representation, so that no log can show it."""

    jwk: OKPKey

    @classmethod
    def new(cls) -> Self:
        """A fresh one, named by the thumbprint of RFC 7638."""
        return cls(OKPKey.generate_key(_CURVE, {"use": "sig", "alg": "EdDSA"}, auto_kid=True))

    @property
    def kid(self) -> str:
        """The name of its public key."""
        return str(self.jwk.kid)

    @property
    def private(self) -> Ed25519PrivateKey:
        """Raises NotAKeySet where it is a key of another kind, or a public one."""
        key = self.jwk.private_key
        if not isinstance(key, Ed25519PrivateKey):
            raise NotAKeySet("a key of it is not a private Ed25519 JWK")
        return key


def write_private(keys: Sequence[SigningKey]) -> bytes:
    """A key file; the last key is the one that signs."""
    return orjson.dumps({"keys": [key.jwk.as_dict(private=True) for key in keys]})


def read_private(file: bytes) -> list[SigningKey]:
    """The keys of a key file. Raises NotAKeySet."""
    keys = [SigningKey(_key(row)) for row in _rows(file)]
    if not all(key.jwk.kid and key.private for key in keys):
        raise NotAKeySet("a key of it has no `kid`")
    return keys


def public_jwks(keys: Sequence[SigningKey]) -> bytes:
    """What is published."""
    return orjson.dumps({"keys": [key.jwk.as_dict(private=False) for key in keys]})


def read_public(jwks: bytes) -> Mapping[str, Ed25519PublicKey]:
    """Published keys by `kid`; those of other kinds are let pass. Raises NotAKeySet."""
    rows = [row for row in _rows(jwks) if row.get("crv") == _CURVE]
    keys = {str(row.get("kid")): _key(row).public_key for row in rows}
    return {kid: key for kid, key in keys.items() if isinstance(key, Ed25519PublicKey)}


def _rows(jwks: bytes) -> list[dict[str, Any]]:
    try:
        rows = orjson.loads(jwks)["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotAKeySet("it is no JSON object with `keys`") from None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise NotAKeySet("there is no key in it")
    return rows


def _key(row: dict[str, Any]) -> OKPKey:
    try:
        key = OKPKey.import_key(row)
        _ = key.raw_value  # which is only looked at when it is needed
    except (JoseError, ValueError):
        raise NotAKeySet("a key of it is not an Ed25519 JWK") from None
    return key
