"""Which internal tokens are believed?"""

import base64
import time
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, OKPKey

from shared.identity import AUDIENCE, LIFETIME, InternalTokens, NotAuthenticated, Principal, mint

KEY: Final = OKPKey.generate_key("Ed25519", auto_kid=True)
ADA: Final = Principal(
    "ada@example.com",
    UUID("5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11"),
    frozenset({"GlobalReader", "BillingAdministrator"}),
    frozenset({"siteward.operator"}),
)


def now() -> int:
    return int(time.time())


def tokens() -> InternalTokens:
    public = OKPKey.import_key(KEY.as_dict(private=False))
    return InternalTokens(KeySet([public]))


def signed(*, header: dict[str, Any] | None = None, key: Any = KEY, **claims: Any) -> str:
    """A token like the gateway's, but for what is given; None leaves a claim out."""
    given = {
        "aud": AUDIENCE,
        "sub": ADA.id,
        "tid": str(ADA.tenant_id),
        "roles": [],
        "scopes": [],
        "exp": now() + LIFETIME,
    } | claims
    said = {name: value for name, value in given.items() if value is not None}
    algorithms = ["Ed25519", "HS256", "EdDSA"]
    return jwt.encode({"alg": "Ed25519", "kid": KEY.kid} | (header or {}), said, key, algorithms=algorithms)


def refused(authorization: str | None) -> str:
    with pytest.raises(NotAuthenticated) as error:
        tokens().principal(authorization)
    return str(error.value)


def test_what_is_minted_is_who_called() -> None:
    assert tokens().principal(f"Bearer {mint(ADA, KEY, now=now())}") == ADA


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_is_read_whatever_its_case(scheme: str) -> None:
    assert tokens().principal(f"{scheme} {mint(ADA, KEY, now=now())}") == ADA


def test_a_token_is_good_for_a_minute() -> None:
    assert tokens().principal(f"Bearer {mint(ADA, KEY, now=now() - LIFETIME + 5)}") == ADA
    assert refused(f"Bearer {mint(ADA, KEY, now=now() - LIFETIME)}") == "The token has expired."


def test_a_token_that_was_believed_expires_too() -> None:
    believed = tokens()
    soon = f"Bearer {signed(exp=now() + 1)}"
    believed.principal(soon)
    deadline = time.monotonic() + 5
    with pytest.raises(NotAuthenticated, match="expired"):  # noqa: PT012 - until it happens
        while time.monotonic() < deadline:
            believed.principal(soon)


@pytest.mark.parametrize("authorization", [None, "", "Bearer", "Bearer ", "Basic YTpi", "Token abc"])
def test_without_a_bearer_token_nobody_calls(authorization: str | None) -> None:
    assert refused(authorization) == "A bearer token is needed."


def test_another_key_is_not_the_gateway() -> None:
    other = OKPKey.generate_key("Ed25519", auto_kid=True)
    assert refused(f"Bearer {mint(ADA, other, now=now())}") == "The token is not valid."
    # Nor is it one that only claims the gateway's name.
    assert refused(f"Bearer {signed(key=other)}") == "The token is not valid."


def test_a_token_for_the_outside_is_not_for_us() -> None:
    assert refused(f"Bearer {signed(aud='siteward')}") == "The token is for somebody else."


def test_a_token_without_signature_is_not_believed() -> None:
    header = base64.urlsafe_b64encode(orjson.dumps({"alg": "none", "kid": KEY.kid})).rstrip(b"=").decode()
    claims = signed().split(".")[1]
    assert refused(f"Bearer {header}.{claims}.") == "The token is not valid."


def test_the_public_key_is_no_shared_secret() -> None:
    secret = OctKey.import_key(orjson.dumps(KEY.as_dict(private=False)).decode())
    assert refused(f"Bearer {signed(header={'alg': 'HS256'}, key=secret)}") == "The token is not valid."


def test_a_token_changed_in_one_place_is_not_believed() -> None:
    header, claims, signature = mint(ADA, KEY, now=now()).split(".")
    other = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"ada", b"eve"))
    assert refused(f"Bearer {header}.{other.rstrip(b'=').decode()}.{signature}") == "The token is not valid."


@pytest.mark.parametrize("claim", ["aud", "sub", "tid", "roles", "scopes", "exp"])
@pytest.mark.parametrize("value", [None, 5, "x", [5], {}, True])
def test_a_claim_that_is_missing_or_of_another_type_is_refused_or_harmless(claim: str, value: Any) -> None:
    try:
        principal = tokens().principal(f"Bearer {signed(**{claim: value})}")
    except NotAuthenticated:
        return
    assert isinstance(principal.id, str)
    assert isinstance(principal.tenant_id, UUID)
    assert all(isinstance(role, str) for role in principal.roles | principal.scopes)


@given(st.text())
def test_whatever_is_sent_it_is_a_caller_or_not(text: str) -> None:
    assert refused(f"Bearer .{text}")


parts = st.one_of(
    st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=2)
            | st.dictionaries(st.sampled_from(["alg", "kid", "b64", "crit", "typ"]), inner, max_size=3)
        ),
        max_leaves=4,
    ).map(orjson.dumps),
    st.binary(max_size=8),
)


@given(parts, parts, st.binary(max_size=70))
def test_whatever_its_parts_say_it_is_refused(header: bytes, claims: bytes, signature: bytes) -> None:
    encoded = (base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in (header, claims, signature))
    assert refused("Bearer " + ".".join(encoded)) == "The token is not valid."


def test_the_keys_come_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "internal-keys.json"
    file.write_bytes(orjson.dumps({"keys": [KEY.as_dict(private=False)]}))
    assert InternalTokens.from_file(file).principal(f"Bearer {mint(ADA, KEY, now=now())}") == ADA
