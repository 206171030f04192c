"""Who is let in, and what others see of a tenant: nothing."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from deploy.local.client import Client
from deploy.local.system import System
from tests.support.calls import add_plan, assert_refused, buy, licenses_of, link, order, previewed
from tests.support.eventually import eventually

LICENSES = "/v1/licenses"


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer nonsense", "Basic YWRhOnNlY3JldA==", "Bearer a.b.c"]
)
async def test_without_a_valid_token_nobody_gets_in(stranger: Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for answer in (
        await stranger.send("GET", LICENSES, headers=headers),
        await stranger.send("POST", LICENSES, order(), headers=headers),
        await stranger.send("GET", f"/v1/subscriptions/{uuid4()}/plan", headers=headers),
    ):
        assert_refused(answer, 401, "Unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("claim", ["tid", "roles", "exp", "aud", "iss", None])
async def test_a_token_that_was_tampered_with_is_refused(
    stranger: Client, tenant: UUID, claim: str | None
) -> None:
    head, claims, signature = (await _token(stranger, tenant)).split(".")
    changed = orjson.loads(urlsafe_b64decode(claims + "=="))
    if claim is None:
        key = OKPKey.generate_key("Ed25519")
        header = orjson.loads(urlsafe_b64decode(head + "=="))
        forged = jwt.encode(header, changed, key, algorithms=[header["alg"]])
    else:
        changed[claim] = str(uuid4())
        claims = urlsafe_b64encode(orjson.dumps(changed)).decode().rstrip("=")
        forged = f"{head}.{claims}.{signature}"
    answer = await stranger.send("GET", LICENSES, headers={"Authorization": f"Bearer {forged}"})
    assert_refused(answer, 401, "Unauthenticated")


async def test_a_token_without_a_signature_is_refused(stranger: Client, tenant: UUID) -> None:
    _, claims, _ = (await _token(stranger, tenant)).split(".")
    head = urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    answer = await stranger.send("GET", LICENSES, headers={"Authorization": f"Bearer {head}.{claims}."})
    assert_refused(answer, 401, "Unauthenticated")


async def test_a_token_ends(stranger: Client, tenant: UUID) -> None:
    short = await stranger.with_token(tenant, expires_in=1)
    ended = await eventually(lambda: short.send("GET", LICENSES), until=lambda answer: answer.status != 200)
    assert_refused(ended, 401, "Unauthenticated")


async def test_a_role_that_does_not_suffice_is_told_which_would(stranger: Client, tenant: UUID) -> None:
    reader = await stranger.with_token(tenant, principal="reader", roles=("GlobalReader",))
    problem = assert_refused(await reader.send("POST", LICENSES, order()), 403, "AuthorizationFailed")
    assert "BillingAdministrator" in problem["required_roles"]
    assert await licenses_of(reader) == []


async def test_another_tenants_resources_are_as_if_they_were_not(caller: Client, stranger: Client) -> None:
    license = await buy(caller)
    subscription = await link(caller)
    await previewed(caller, subscription, {"L": 1})
    await add_plan(caller, subscription)
    other = await stranger.with_token(uuid4())
    await buy(other)

    pairs: list[tuple[str, str, str, Any]] = [
        ("GET", f"{LICENSES}/{license['id']}", f"{LICENSES}/{uuid4()}", None),
        ("POST", f"{LICENSES}/{license['id']}/cancel", f"{LICENSES}/{uuid4()}/cancel", {}),
    ]
    never = f"/v1/subscriptions/{uuid4()}"
    for method, rest, body in (
        ("GET", "", None),
        ("GET", "/plan", None),
        ("PUT", "/plan", {"terms_accepted": True}),
        ("POST", "/plan/preview", {}),
        ("GET", "/entitlements", None),
    ):
        pairs.append((method, subscription + rest, never + rest, body))
    for method, theirs, nobodys, body in pairs:
        foreign = await other.send(method, theirs, body)
        absent = await other.send(method, nobodys, body)
        assert foreign.status == absent.status == 404, (method, theirs)
        for field in ("status", "code", "title", "type"):
            assert foreign.body[field] == absent.body[field], (method, theirs)

    taken = await other.send("PUT", subscription, {"display_name": "Mine"})
    assert_refused(taken, 409, "SubscriptionLinkedElsewhere")
    assert [one["status"] for one in await licenses_of(caller)] == ["active"]
    assert (await caller.send("GET", subscription)).body["display_name"] == "Plant"
    assert (await other.send("GET", "/v1/subscriptions")).body == {"items": []}


async def test_a_subscription_is_not_shown_to_those_without_a_role_on_it(
    caller: Client, stranger: Client, tenant: UUID
) -> None:
    subscription = await link(caller)
    colleague = await stranger.with_token(tenant, principal="grace@example.com")
    assert_refused(await colleague.send("GET", subscription), 404, "SubscriptionNotFound")
    assert_refused(await colleague.send("GET", f"{subscription}/plan"), 404, "SubscriptionNotFound")


@pytest.mark.parametrize("name", ["licensing-api", "plans-api"])
async def test_a_service_believes_the_gateway_alone(
    system: System, stranger: Client, tenant: UUID, name: str
) -> None:
    direct = stranger.at(system.url_of(name))
    path = LICENSES if name == "licensing-api" else "/v1/plans"
    assert_refused(await direct.send("GET", path), 401, "Unauthenticated")
    with_a_callers_token = (await stranger.with_token(tenant)).at(system.url_of(name))
    assert_refused(await with_a_callers_token.send("GET", path), 401, "Unauthenticated")


@pytest.mark.parametrize(
    "path", ["/internal/test-clock", "/v1/../internal/test-clock", "/v1/licenses/../../internal/test-clock"]
)
async def test_what_is_between_gateway_and_services_is_not_for_callers(caller: Client, path: str) -> None:
    assert (await caller.send("GET", path)).status == 404


async def _token(stranger: Client, tenant: UUID) -> str:
    wish = {"tenant_id": str(tenant), "principal": "ada", "roles": ["GlobalAdministrator"]}
    token: str = (await stranger.send("POST", "/dev/tokens", wish)).body["access_token"]
    return token
