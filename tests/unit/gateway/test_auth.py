"""Whom does the gateway believe?"""

import time
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from gateway.auth import Callers, FixedKey
from shared.http.problems import Refused
from shared.identity import InternalTokens

ISSUER = "https://issuer.example"
TENANT = "0199b0c4-0000-7000-8000-000000000001"
KEY = OKPKey.generate_key("Ed25519", {"kid": "k1"})
SIGNING_KEY = OKPKey.generate_key("Ed25519", {"kid": "gateway"})


def claims(**changes: Any) -> dict[str, Any]:
    now = int(time.time())
    given = {
        "iss": ISSUER,
        "aud": "siteward",
        "sub": "ada",
        "tid": TENANT,
        "roles": ["GlobalReader"],
        "exp": now + 60,
        "nbf": now,
    }
    return {name: value for name, value in (given | changes).items() if value is not None}


def token(given: Mapping[str, Any], *, key: OKPKey = KEY, kid: str | None = "k1") -> bytes:
    header = {"alg": "Ed25519"} | ({"kid": kid} if kid else {})
    return jwt.encode(header, dict(given), key, algorithms=["Ed25519"]).encode()


def callers(key: OKPKey = KEY) -> Callers:
    return Callers({ISSUER: FixedKey(key)}, audience="siteward")


async def refusal(authorization: bytes | None) -> str:
    with pytest.raises(Refused) as refused:
        await callers().identify(authorization)
    assert refused.value.problem.status == 401
    assert refused.value.problem.headers["WWW-Authenticate"].startswith("Bearer")
    return refused.value.problem.detail


async def test_a_token_names_principal_tenant_roles_and_scopes() -> None:
    given = claims(roles=["BillingAdministrator"], scope="siteward.operator other", aud=["x", "siteward"])
    principal = (await callers().identify(b"Bearer " + token(given))).principal
    assert principal.id == "ada"
    assert principal.tenant_id == UUID(TENANT)
    assert principal.roles == {"BillingAdministrator"}
    assert principal.scopes == {"siteward.operator", "other"}


async def test_a_token_without_a_key_id_is_checked_with_the_one_key_there_is() -> None:
    assert await callers().identify(b"bearer " + token(claims(), kid=None))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"nbf": time.time() + 600}, "not valid yet"),
        ({"aud": "somebody"}, "somebody else"),
        ({"aud": None}, "somebody else"),
        ({"iss": "https://elsewhere.example"}, "issuer"),
        ({"iss": None}, "issuer"),
        ({"iss": [ISSUER]}, "issuer"),
        ({"tid": None}, "tid"),
        ({"tid": "acme"}, "tid"),
        ({"tid": 7}, "tid"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "a\x00b"}, "sub"),
        ({"roles": [1]}, "roles"),
        ({"roles": {"a": 1}}, "roles"),
    ],
)
async def test_a_token_that_says_something_wrong_is_refused(changes: dict[str, Any], said: str) -> None:
    assert said in await refusal(b"Bearer " + token(claims(**changes)))


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        b"",
        b"Bearer",
        b"Bearer ",
        b"Basic YTpi",
        b"Bearer a.b",
        b"Bearer a.b.c",
        b"Bearer \xff",
        b"Token x",
    ],
)
async def test_what_is_no_token_is_refused(authorization: bytes | None) -> None:
    await refusal(authorization)


async def test_a_token_signed_by_another_key_is_refused() -> None:
    stranger = OKPKey.generate_key("Ed25519", {"kid": "k1"})
    assert "signature" in await refusal(b"Bearer " + token(claims(), key=stranger))


async def test_a_token_that_was_changed_is_refused() -> None:
    head, _, signature = token(claims()).split(b".")
    _, body, _ = token(claims(roles=["GlobalAdministrator"])).split(b".")
    assert "signature" in await refusal(b"Bearer " + b".".join((head, body, signature)))


async def test_an_algorithm_outside_of_the_short_list_is_refused() -> None:
    none = b"eyJhbGciOiJub25lIiwia2lkIjoiazEifQ." + token(claims()).split(b".")[1] + b"."
    assert "algorithm" in await refusal(b"Bearer " + none)
    rsa = RSAKey.generate_key(2048, {"kid": "k1"})
    ps256 = jwt.encode({"alg": "PS256", "kid": "k1"}, claims(), rsa, algorithms=["PS256"])
    assert "algorithm" in await refusal(b"Bearer " + ps256.encode())


async def test_a_key_is_not_used_for_an_algorithm_of_another_kind() -> None:
    elliptic = ECKey.generate_key("P-256", {"kid": "k1"})
    es256 = jwt.encode({"alg": "ES256", "kid": "k1"}, claims(), elliptic, algorithms=["ES256"])
    assert "signature" in await refusal(b"Bearer " + es256.encode())


async def test_a_very_long_token_is_not_looked_at() -> None:
    assert "too long" in await refusal(b"Bearer " + token(claims(more="x" * 9000)))


async def test_a_caller_is_remembered_until_the_token_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    known = callers()
    authorization = b"Bearer " + token(claims())
    first = await known.identify(authorization)
    assert await known.identify(authorization) is first
    end = time.time() + 61
    monkeypatch.setattr(time, "time", lambda: end)
    with pytest.raises(Refused):
        await known.identify(authorization)


async def test_an_internal_token_is_used_again_until_shortly_before_its_end() -> None:
    caller = await callers().identify(b"Bearer " + token(claims()))
    now = time.time()
    first = caller.authorization(SIGNING_KEY, now)
    assert caller.authorization(SIGNING_KEY, now + 40) == first
    assert caller.authorization(SIGNING_KEY, now + 46) != first
    believed = InternalTokens(KeySet([SIGNING_KEY]))
    assert believed.principal(first.decode()) == caller.principal
