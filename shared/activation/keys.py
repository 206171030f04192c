"""The keys of activation files: a JWKS (RFC 7517) of Ed25519 keys, private in a file of ours, public for everybody."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_KEY_BYTES: Final = 32


class NotAKeySet(Exception):
    """The message says what is wrong, never what is in it."""


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A private key and the name of its public one. It has no representation, so that no log can show it."""

    kid: str
    private: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Self:
        """A fresh one, named by the thumbprint of RFC 7638."""
        private = Ed25519PrivateKey.generate()
        members = {"crv": "Ed25519", "kty": "OKP", "x": _text(private.public_key().public_bytes_raw())}
        return cls(_text(hashlib.sha256(orjson.dumps(members)).digest()), private)

    def public_jwk(self) -> dict[str, str]:
        public = _text(self.private.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": "Ed25519", "kid": self.kid, "use": "sig", "alg": "EdDSA", "x": public}


def write_private(keys: Sequence[SigningKey]) -> bytes:
    """A key file; the last key is the one that signs."""
    rows = [{**key.public_jwk(), "d": _text(key.private.private_bytes_raw())} for key in keys]
    return orjson.dumps({"keys": rows})


def read_private(file: bytes) -> list[SigningKey]:
    """The keys of a key file. Raises NotAKeySet."""
    try:
        return [
            SigningKey(str(row["kid"]), Ed25519PrivateKey.from_private_bytes(_bytes(row["d"])))
            for row in _rows(file)
        ]
    except (KeyError, ValueError, TypeError):
        raise NotAKeySet("a key of it is not a private Ed25519 JWK") from None


def public_jwks(keys: Sequence[SigningKey]) -> bytes:
    """What is published."""
    return orjson.dumps({"keys": [key.public_jwk() for key in keys]})


def read_public(jwks: bytes) -> Mapping[str, Ed25519PublicKey]:
    """Published keys by `kid`; those of other kinds are let pass. Raises NotAKeySet."""
    try:
        return {
            str(row["kid"]): Ed25519PublicKey.from_public_bytes(_bytes(row["x"]))
            for row in _rows(jwks)
            if row.get("crv") == "Ed25519"
        }
    except (KeyError, ValueError, TypeError, AttributeError):
        raise NotAKeySet("a key of it is not an Ed25519 JWK") from None


def _rows(jwks: bytes) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = orjson.loads(jwks)["keys"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise NotAKeySet("it is no JSON object with `keys`") from None
    if not isinstance(rows, list) or not rows:
        raise NotAKeySet("there is no key in it")
    return rows


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    content = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(content) != _KEY_BYTES:
        raise ValueError("a key of another length")
    return content
