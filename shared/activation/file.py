"""The activation file: one line of JWS (RFC 7515) between two markers.

Reading one is strict to the byte: there is exactly one text for what was signed, so that nothing of it can be
changed without being noticed.
"""

import base64
import binascii
from collections.abc import Mapping
from typing import Any, Final

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_BEGIN: Final = "-----BEGIN SITEWARD ACTIVATION FILE-----"
_END: Final = "-----END SITEWARD ACTIVATION FILE-----"
_ALGORITHM: Final = "EdDSA"
_TYPE: Final = "siteward-activation+jws"
MOST_CHARACTERS: Final = 100_000
"""A console's file names up to 100 subscriptions; no file is near this."""


class SignatureInvalid(Exception):
    """It is no activation file, or not one that was signed by one of the keys."""


def write(claims: Mapping[str, Any], *, kid: str, key: Ed25519PrivateKey) -> str:
    """The file that says `claims`, signed by the key that is published as `kid`."""
    header = {"alg": _ALGORITHM, "kid": kid, "typ": _TYPE}
    signed = f"{_encoded(orjson.dumps(header))}.{_encoded(orjson.dumps(claims))}"
    return f"{_BEGIN}\n{signed}.{_encoded(key.sign(signed.encode()))}\n{_END}\n"


def read(file: str, keys: Mapping[str, Ed25519PublicKey]) -> dict[str, Any]:
    """The claims of a file that one of `keys` (by `kid`) signed. Raises SignatureInvalid."""
    lines = file.split("\n") if len(file) <= MOST_CHARACTERS else []
    if len(lines) != 4 or (lines[0], lines[2], lines[3]) != (_BEGIN, _END, ""):
        raise SignatureInvalid("It is not an activation file.")
    parts = lines[1].split(".")
    if len(parts) != 3:
        raise SignatureInvalid("It does not hold a JWS of three parts.")
    header, claims = _object(parts[0]), _object(parts[1])
    if header.keys() != {"alg", "kid", "typ"} or (header["alg"], header["typ"]) != (_ALGORITHM, _TYPE):
        raise SignatureInvalid(f"It is not signed by {_ALGORITHM} as {_TYPE}.")
    kid = header["kid"]
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None:
        raise SignatureInvalid("It is signed by a key that is not among the published ones.")
    try:
        key.verify(_decoded(parts[2]), f"{parts[0]}.{parts[1]}".encode())
    except InvalidSignature:
        raise SignatureInvalid("Its signature is not that of its content.") from None
    if claims.get("v") != 1:
        raise SignatureInvalid("It is of a version that is not known.")
    return claims


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(part: str) -> bytes:
    """Canonical and unpadded, or nothing: another spelling of the same bytes is refused."""
    try:
        content = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise SignatureInvalid("It holds something that is not base64url.") from None
    if _encoded(content) != part:
        raise SignatureInvalid("It holds base64url that is not canonical.")
    return content


def _object(part: str) -> dict[str, Any]:
    try:
        found = orjson.loads(_decoded(part))
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise SignatureInvalid("It holds something that is not a JSON object.")
    return found
