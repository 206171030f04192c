"""Can an activation file be told from any other text, by whoever has the published keys and nothing else?"""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from services.plans.signing import ActivationKeys
from shared.activation.file import SignatureInvalid, read, write
from shared.activation.keys import (
    NotAKeySet,
    SigningKey,
    public_jwks,
    read_private,
    read_public,
    write_private,
)
from shared.activation.rotate import rotate
from shared.activation.verify import ActivationFileRefused, Expected, verify
from shared.offline.command_line import main

KEY: Final = SigningKey.new()
NOW: Final = datetime(2027, 1, 10, 9, tzinfo=UTC)
ISSUED: Final = int(NOW.timestamp())
CLAIMS: Final[dict[str, Any]] = {
    "v": 1,
    "tenant": "5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11",
    "subscription": "8f1c2f7e-6c39-4b1a-8a27-0c5d2d9a7e42",
    "audience": "sensor",
    "sensor": "north-gate",
    "site": "hall-1",
    "zone": "Default",
    "management": "cloud",
    "iat": ISSUED,
    "nbf": ISSUED,
    "exp": ISSUED + 14 * 86_400,
    "serial": 7,
}
FILE: Final = write(CLAIMS, kid=KEY.kid, key=KEY.private)
JWKS: Final = public_jwks([KEY])


def independently_verified(file: str, jwks: bytes) -> dict[str, Any]:
    """By RFC 7515 and RFC 8037, with no line of ours."""

    def decoded(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))

    _, jws, _, _ = file.split("\n")
    header, payload, signature = jws.split(".")
    said = json.loads(decoded(header))
    assert (said["alg"], said["typ"]) == ("EdDSA", "siteward-activation+jws")
    (jwk,) = (one for one in json.loads(jwks)["keys"] if one["kid"] == said["kid"])
    Ed25519PublicKey.from_public_bytes(decoded(jwk["x"])).verify(
        decoded(signature), f"{header}.{payload}".encode()
    )
    claims: dict[str, Any] = json.loads(decoded(payload))
    return claims


def refused(file: str = FILE, *, now: datetime = NOW, **expected: Any) -> str:
    with pytest.raises(ActivationFileRefused) as caught:
        verify(file, JWKS, expected=Expected(**expected), now=now)
    return caught.value.code


def test_a_program_that_knows_the_published_keys_alone_can_verify_it() -> None:
    assert independently_verified(FILE, JWKS) == CLAIMS
    assert verify(FILE, JWKS, expected=Expected("North-Gate", 7), now=NOW) == CLAIMS


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_a_byte_that_is_changed_anywhere_is_noticed(place: int, flip: int) -> None:
    changed = FILE[:place] + chr(ord(FILE[place]) ^ flip) + FILE[place + 1 :]
    assert refused(changed) == "ActivationFileSignatureInvalid"


@given(st.integers(0, len(FILE)), st.text(max_size=3))
def test_so_is_one_that_is_cut_or_longer(place: int, more: str) -> None:
    changed = FILE[:place] + more
    if changed != FILE:
        assert refused(changed) == "ActivationFileSignatureInvalid"
    if more:
        assert refused(FILE + more) == "ActivationFileSignatureInvalid"


def test_another_algorithm_or_key_is_refused() -> None:
    other = SigningKey.new()
    assert refused(write(CLAIMS, kid=KEY.kid, key=other.private)) == "ActivationFileSignatureInvalid"
    assert refused(write(CLAIMS, kid=other.kid, key=other.private)) == "ActivationFileSignatureInvalid"
    begin, jws, *rest = FILE.split("\n")
    _, payload, _ = jws.split(".")
    for algorithm in ("none", "HS256", "Ed25519"):
        header = {"alg": algorithm, "kid": KEY.kid, "typ": "siteward-activation+jws"}
        encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        signature = (
            base64.urlsafe_b64encode(KEY.private.sign(f"{encoded}.{payload}".encode())).rstrip(b"=").decode()
        )
        changed = "\n".join([begin, f"{encoded}.{payload}.{signature}", *rest])
        assert refused(changed) == "ActivationFileSignatureInvalid"


def test_who_asks_decides_what_else_is_refused() -> None:
    assert refused(sensor="south-gate") == "ActivationFileWrongSensor"
    assert refused(last_serial=8) == "ActivationFileSuperseded"
    assert refused(now=datetime.fromtimestamp(ISSUED - 1, UTC)) == "ActivationFileNotYetValid"
    assert refused(now=datetime.fromtimestamp(CLAIMS["exp"], UTC)) == "ActivationFileExpired"
    verify(FILE, JWKS, expected=Expected(), now=datetime.fromtimestamp(CLAIMS["exp"] - 1, UTC))


def test_the_command_says_so_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, keys = tmp_path / "north-gate.siteward", tmp_path / "keys.json"
    file.write_text(FILE)
    keys.write_bytes(JWKS)
    at = ["--keys", str(keys), "--at", "2027-01-10T09:00:00Z"]
    assert main(["verify", str(file), *at, "--sensor", "north-gate"]) == 0
    assert capsys.readouterr().out.startswith(
        "Good: signed for sensor 'north-gate', serial 7, good until 2027-01-24T"
    )
    assert main(["verify", str(file), *at, "--sensor", "south-gate"]) == 1
    assert capsys.readouterr().out.startswith("ActivationFileWrongSensor: ")
    keys.write_text("{}")
    assert main(["verify", str(file), *at]) == 2


def test_keys_are_rotated_with_overlap_under_a_running_process(tmp_path: Path) -> None:
    path = tmp_path / "activation-keys.json"
    path.write_bytes(write_private([KEY]))
    keys = ActivationKeys(path)
    old = keys.sign(CLAIMS)
    rotate(path, keep=1)
    new = keys.sign(CLAIMS)
    assert keys.read(old) == keys.read(new) == CLAIMS
    assert len(read_public(keys.published())) == 2
    assert path.stat().st_mode & 0o777 == 0o600
    rotate(path, keep=1)
    assert keys.read(new) == CLAIMS
    with pytest.raises(SignatureInvalid):
        keys.read(old)


def test_a_private_key_is_shown_nowhere() -> None:
    secret = json.loads(write_private([KEY]))["keys"][0]["d"]
    assert secret not in repr(KEY) + str(KEY) + JWKS.decode() + FILE
    assert read_private(write_private([KEY]))[0].kid == KEY.kid
    with pytest.raises(NotAKeySet) as caught:
        read_private(json.dumps({"keys": [{"kid": "a", "d": secret[1:]}]}).encode())
    assert secret[1:] not in str(caught.value)


@pytest.mark.parametrize("claims", [{"v": 2}, {"v": "1"}, {}])
def test_a_version_that_is_not_known_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        read(write(claims, kid=KEY.kid, key=KEY.private), read_public(JWKS))
