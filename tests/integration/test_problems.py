"""How does a refusal look, and which reason for one comes first?"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from shared.identity import LIFETIME, mint
from tests.support.eventually import eventually
from tests.support.running import POOL
from tests.support.service_calls import SIGNING_KEY, Answer, ServiceClient, token
from tests.support.world import World, an_order

LICENSES = "/v1/licenses"
TEXT = {"Content-Type": "text/plain"}
NO_SUCH = "0199b0c4-0000-7000-8000-00000000dead"


def pointers(answer: Answer) -> set[str]:
    return {error["pointer"] for error in answer.json["errors"]}


def named(answer: Answer) -> tuple[int, str, str, str]:
    """All by which two refusals could be told apart, but for the id that was asked for."""
    body = answer.json
    return body["status"], body["code"], body["title"], body["type"]


def nobody(world: World, service: str = "licensing") -> ServiceClient:
    return ServiceClient(world.services.http, world.services.urls[service], None)


async def test_a_problem_document_has_all_its_fields(world: World) -> None:
    refused = await world.admin.licensing.post(LICENSES, an_order(quantity=0))
    assert refused.headers["Content-Type"] == "application/problem+json"
    body = refused.json
    assert set(body) == {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
    assert body["type"] == "https://siteward.dev/problems/InvalidRequest"
    assert body["status"] == refused.status == 422
    assert body["instance"] == LICENSES
    assert body["request_id"] == refused.headers["X-Request-Id"]
    assert [set(error) for error in body["errors"]] == [{"pointer", "detail"}]


async def test_a_request_id_is_echoed_where_it_is_a_plain_one_and_minted_where_not(world: World) -> None:
    for given in ("a", "A-Z.a_z-09", "x" * 128):
        answer = await world.admin.licensing.get("/v1/products", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] == given
    for given in ("", "x" * 129, "a b", "a/b", "ä"):
        answer = await world.admin.licensing.get("/v1/products", headers={"X-Request-Id": given})
        assert answer.headers["X-Request-Id"] not in {given, ""}


async def test_the_audit_names_the_request(world: World) -> None:
    await world.admin.licensing.post(LICENSES, an_order(), headers={"X-Request-Id": "order-66"})
    audited = await world.services.owner.fetchrow(
        "SELECT actor, action, request_id FROM licensing.audit_events WHERE tenant_id = $1", world.tenant
    )
    assert dict(audited) == {
        "actor": world.admin.principal.id,
        "action": "license.purchased",
        "request_id": "order-66",
    }


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        (an_order(color="red"), "/color"),
        ({"sku": "OT_SITE_L", "billing_frequency": "annual"}, "/quantity"),
        (an_order(quantity=0), "/quantity"),
        (an_order(quantity=-1), "/quantity"),
        (an_order(quantity=1.5), "/quantity"),
        (an_order(quantity="3"), "/quantity"),
        (an_order(quantity=True), "/quantity"),
        (an_order(quantity=10**18), "/quantity"),
        (b'{"sku":"OT_SITE_L","quantity":1%030d,"billing_frequency":"annual"}' % 0, "/quantity"),
        (an_order("OT_SITE_XXXL"), "/sku"),
        (an_order("\0"), "/sku"),
        (an_order(billing_frequency="weekly"), "/billing_frequency"),
        (an_order(billing_frequency=None), "/billing_frequency"),
        (an_order(auto_renew="yes"), "/auto_renew"),
    ],
)
async def test_a_field_that_does_not_fit_is_named_and_nothing_is_bought(
    world: World, body: Any, pointer: str
) -> None:
    refused = await world.admin.licensing.post(LICENSES, body)
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert pointers(refused) == {pointer}
    assert await world.rows() == {}


async def test_a_name_with_signs_of_json_pointer_is_escaped_in_one(world: World) -> None:
    refused = await world.admin.licensing.post(LICENSES, an_order() | {"a/b~c": 1})
    assert pointers(refused) == {"/a~1b~0c"}


@pytest.mark.parametrize("body", [[], None, "text", 7])
async def test_json_that_is_no_object_is_an_invalid_request(world: World, body: Any) -> None:
    raw = b"null" if body is None else body
    refused = await world.admin.licensing.post(LICENSES, raw)
    assert (refused.status, refused.code) == (422, "InvalidRequest")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"{'sku': 1}", b'{"sku": "\xff"}', b'{"sku": "\\ud800"}', b"{}{}"]
)
async def test_what_is_no_json_is_malformed(world: World, body: bytes) -> None:
    refused = await world.admin.licensing.post(LICENSES, body, headers={"Content-Type": "application/json"})
    assert (refused.status, refused.code) == (400, "MalformedJson")


@pytest.mark.parametrize("body", [b'{"quantity": NaN}', b'{"quantity": Infinity}'])
async def test_numbers_that_json_does_not_have_are_malformed(world: World, body: bytes) -> None:
    refused = await world.admin.licensing.post(LICENSES, body)
    assert (refused.status, refused.code) == (400, "MalformedJson")


@pytest.mark.parametrize("number", [b"1e400", b"9" * 400, b"-1e999", b"1.5"])
async def test_a_number_out_of_all_range_is_an_invalid_request(world: World, number: bytes) -> None:
    body = b'{"sku": "OT_SITE_L", "billing_frequency": "annual", "quantity": %b}' % number
    refused = await world.admin.licensing.post(LICENSES, body)
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert pointers(refused) == {"/quantity"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
async def test_another_content_type_is_refused(world: World, content_type: str) -> None:
    refused = await world.admin.licensing.post(LICENSES, an_order(), headers={"Content-Type": content_type})
    assert (refused.status, refused.code) == (415, "UnsupportedMediaType")


async def test_a_charset_beside_the_content_type_is_fine(world: World) -> None:
    taken = await world.admin.licensing.post(
        LICENSES, an_order(), headers={"Content-Type": "Application/JSON; charset=utf-8"}
    )
    assert taken.status == 201


async def test_a_body_of_a_mebibyte_is_read_and_one_byte_more_is_too_large(world: World) -> None:
    mebibyte = 1024 * 1024
    read = await world.admin.licensing.post(LICENSES, b" " * mebibyte)
    assert read.status == 400
    refused = await world.admin.licensing.post(LICENSES, b" " * (mebibyte + 1))
    assert (refused.status, refused.code) == (413, "ContentTooLarge")


async def test_a_body_that_does_not_say_its_length_is_measured(world: World) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(17):
            yield b" " * 64 * 1024

    sent = {"Authorization": f"Bearer {mint(world.admin.principal, SIGNING_KEY, now=int(time.time()))}"}
    url = world.services.urls["licensing"] + LICENSES
    async with world.services.http.post(url, data=chunks(), headers=sent) as answer:
        assert answer.status == 413


async def test_nobody_waits_for_callers_whose_bodies_are_slow(world: World) -> None:
    license = await world.buy()
    address = f"{LICENSES}/{license['id']}"
    under_way, go_on = asyncio.Semaphore(0), asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield b'{"quantity":'
        under_way.release()
        await go_on.wait()
        yield b"5}"

    async def change() -> int:
        sent = {
            "Authorization": f"Bearer {token(world.admin.principal)}",
            "Content-Type": "application/json",
            "If-Match": license_etag(1),
        }
        url = world.services.urls["licensing"] + address
        async with world.services.http.patch(url, data=slowly(), headers=sent) as answer:
            return answer.status

    slow = [asyncio.create_task(change()) for _ in range(2 * POOL)]
    for _ in slow:
        await under_way.acquire()
    assert (await world.admin.licensing.post(f"{address}/cancel")).status == 200
    assert not any(one.done() for one in slow)
    go_on.set()
    assert set(await asyncio.gather(*slow)) == {412}


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("licensing", "/v1/products?color=red"),
        ("licensing", "/v1/products/OT_SITE_L?color=red"),
        ("licensing", "/v1/licenses?color=red"),
        ("licensing", "/v1/licenses?limit=10&limit=20"),
        ("licensing", "/v1/licenses?limit=0"),
        ("licensing", "/v1/licenses?limit=201"),
        ("licensing", "/v1/licenses?limit=ten"),
        ("licensing", "/v1/licenses?limit="),
        ("licensing", "/v1/licenses?limit=1_0"),
        ("licensing", "/v1/licenses?limit=%2B5"),
        ("licensing", "/v1/licenses?limit=+5"),
        ("plans", "/v1/enterprise-iot/estimate?devices=1_0&seats=0"),
        ("licensing", "/v1/licenses?status=happy"),
        ("licensing", "/v1/licenses?cursor=nonsense"),
        ("licensing", "/v1/products?cursor=%25%25"),
        ("licensing", "/v1/licenses?dry_run=true"),
        ("plans", "/v1/plans?color=red"),
        ("plans", "/v1/plans?cursor=nonsense"),
        ("plans", "/v1/subscriptions?eligible_for=everything"),
    ],
)
async def test_a_query_parameter_that_does_not_fit_is_named(world: World, service: str, path: str) -> None:
    refused = await getattr(world.admin, service).get(path)
    assert (refused.status, refused.code) == (422, "InvalidRequest")
    assert pointers(refused) == {path.partition("?")[2].partition("=")[0]}


@pytest.mark.parametrize(
    "path", ["/v1/licenses?sku=%00", "/v1/licenses?status=%00", "/v1/products?search=%00", "/v1/products/%00"]
)
async def test_a_zero_byte_is_answered_like_any_other_text(world: World, path: str) -> None:
    assert (await world.admin.licensing.get(path)).status in {200, 404, 422}


async def test_an_unknown_query_parameter_of_one_resource_is_refused_once_it_is_there(world: World) -> None:
    license = await world.buy()
    assert (await world.admin.licensing.get(f"{LICENSES}/{license['id']}?a=b")).status == 422
    assert (await world.admin.licensing.get(f"{LICENSES}/{NO_SUCH}?a=b")).status == 404


async def test_where_there_is_nothing_there_is_a_problem_too(world: World) -> None:
    nothing = await world.admin.licensing.get("/v1/nothing")
    assert nothing.status == 404
    assert nothing.code is not None
    wrong = await world.admin.licensing.send("DELETE", LICENSES)
    assert wrong.status == 405
    assert wrong.code is not None
    assert set(wrong.headers["Allow"].replace(" ", "").split(",")) >= {"GET", "POST"}


class TestWhoIsCalling:
    async def test_nobody_gets_a_401_that_says_how_to_ask(self, world: World) -> None:
        for service, path in (("licensing", LICENSES), ("plans", "/v1/plans"), ("plans", "/v1/nothing")):
            refused = await nobody(world, service).get(path)
            assert refused.status == 401
            assert refused.headers["WWW-Authenticate"].startswith("Bearer")
            assert refused.code == "Unauthenticated"

    @pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi"])
    async def test_what_is_no_token_of_the_gateway_is_nobody(self, world: World, authorization: str) -> None:
        refused = await nobody(world).get(LICENSES, headers={"Authorization": authorization})
        assert refused.status == 401

    async def test_a_token_that_somebody_else_signed_or_that_has_expired_is_not_believed(
        self, world: World
    ) -> None:
        who, now = world.admin.principal, int(time.time())
        stranger = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
        same_kid = OKPKey.generate_key("Ed25519", {"use": "sig", "kid": SIGNING_KEY.kid or ""})
        for forged in (
            mint(who, stranger, now=now),
            mint(who, same_kid, now=now),
            mint(who, SIGNING_KEY, now=now - LIFETIME - 1),
            jwt.encode({"alg": "Ed25519", "kid": SIGNING_KEY.kid}, {"sub": "x"}, SIGNING_KEY, ["Ed25519"]),
        ):
            refused = await nobody(world).get(LICENSES, headers={"Authorization": f"Bearer {forged}"})
            assert refused.status == 401

    async def test_a_token_is_believed_until_it_expires_also_when_it_was_seen_before(
        self, world: World
    ) -> None:
        nearly_over = mint(world.admin.principal, SIGNING_KEY, now=int(time.time()) - LIFETIME + 2)
        asked = {"Authorization": f"Bearer {nearly_over}"}
        assert (await nobody(world).get(LICENSES, headers=asked)).status == 200
        await eventually(
            lambda: nobody(world).get(LICENSES, headers=asked), until=lambda answer: answer.status == 401
        )

    async def test_whoever_lacks_the_role_is_told_which_would_do(self, world: World) -> None:
        ordinary = world.caller("bob@example.com", roles=[])
        refused = await ordinary.licensing.post(LICENSES, an_order())
        assert (refused.status, refused.code) == (403, "AuthorizationFailed")
        assert "GlobalAdministrator" in refused.json["detail"]
        assert "BillingAdministrator" in refused.json["detail"]
        assert await world.rows() == {}

    @pytest.mark.parametrize(
        ("role", "may_view", "may_buy"),
        [
            ("GlobalAdministrator", True, True),
            ("BillingAdministrator", True, True),
            ("LicenseAdministrator", True, False),
            ("GlobalReader", True, False),
            ("Owner", False, False),
        ],
    )
    async def test_directory_roles_decide_about_licenses(
        self, world: World, role: str, *, may_view: bool, may_buy: bool
    ) -> None:
        license = await world.buy()
        caller = world.caller("bob@example.com", roles=[role])
        view = 200 if may_view else 403
        assert (await caller.licensing.get(LICENSES)).status == view
        assert (await caller.licensing.get(f"{LICENSES}/{license['id']}")).status == view
        assert (await caller.licensing.post(LICENSES, an_order())).status == (201 if may_buy else 403)
        cancelled = await caller.licensing.post(f"{LICENSES}/{license['id']}/cancel")
        assert cancelled.status == (200 if may_buy else 403)

    async def test_directory_roles_give_nothing_on_a_subscription(self, world: World) -> None:
        subscription = await world.link()
        global_administrator = world.caller("bob@example.com")
        for path in ("", "/plan", "/entitlements"):
            refused = await global_administrator.plans.get(f"/v1/subscriptions/{subscription}{path}")
            assert (refused.status, refused.code) == (404, "SubscriptionNotFound")
        put = await global_administrator.plans.put(
            f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True}
        )
        assert put.code == "SubscriptionNotFound"

    @pytest.mark.parametrize(
        ("role", "may_change"),
        [
            ("Owner", True),
            ("Contributor", True),
            ("SecurityAdmin", True),
            ("SecurityReader", False),
            ("Reader", False),
        ],
    )
    async def test_roles_on_a_subscription_decide_about_its_plan(
        self, world: World, role: str, *, may_change: bool
    ) -> None:
        await world.buy()
        await world.quiet()
        subscription = await world.link()
        await world.services.owner.execute(
            "INSERT INTO plans.role_assignments (subscription_id, principal, tenant_id, role, version)"
            " VALUES ($1, $2, $3, $4, 1)",
            subscription,
            "bob@example.com",
            world.tenant,
            role,
        )
        bob = world.caller("bob@example.com", roles=[])
        seen = await bob.plans.get(f"/v1/subscriptions/{subscription}")
        assert (seen.status, seen.json["roles"]) == (200, [role])
        added = await bob.plans.put(f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True})
        assert added.status == (201 if may_change else 403)
        if not may_change:
            assert "Contributor" in added.json["detail"]
        eligible = (await bob.plans.get("/v1/subscriptions?eligible_for=plan")).json["items"]
        assert eligible == []


class TestAnotherTenant:
    async def test_a_foreign_license_looks_like_one_that_never_was(self, world: World) -> None:
        other = World(world.services)
        license = await other.buy()
        ask = world.admin.licensing
        for unknown in (NO_SUCH, "no-uuid", str(uuid4())):
            for method, path in (("GET", ""), ("POST", "/cancel")):
                foreign = await ask.send(method, f"{LICENSES}/{license['id']}{path}")
                missing = await ask.send(method, f"{LICENSES}/{unknown}{path}")
                assert foreign.status == 404
                assert named(foreign) == named(missing)
        assert (await other.admin.licensing.get(f"{LICENSES}/{license['id']}")).json == license

    async def test_a_foreign_subscription_looks_like_one_that_never_was(self, world: World) -> None:
        other = World(world.services)
        subscription = (await other.a_plan())["subscription_id"]
        ask = world.admin.plans
        for method, path, body in (
            ("GET", "", None),
            ("GET", "/plan", None),
            ("GET", "/entitlements", None),
            ("POST", "/plan/preview", {}),
            ("PUT", "/plan", {"terms_accepted": True}),
        ):
            foreign = await ask.send(method, f"/v1/subscriptions/{subscription}{path}", body)
            missing = await ask.send(method, f"/v1/subscriptions/{NO_SUCH}{path}", body)
            assert foreign.status == 404
            assert named(foreign) == named(missing)

    async def test_a_subscription_that_another_tenant_has_linked_says_that_and_no_more(
        self, world: World
    ) -> None:
        other = World(world.services)
        subscription = await other.link("Their secret plant")
        before = await world.rows()
        refused = await world.admin.plans.put(f"/v1/subscriptions/{subscription}", {"display_name": "Ours"})
        assert (refused.status, refused.code) == (409, "SubscriptionLinkedElsewhere")
        assert b"secret" not in refused.body
        assert str(other.tenant).encode() not in refused.body
        assert await world.rows() == before

    async def test_lists_hold_the_callers_own(self, world: World) -> None:
        other = World(world.services)
        await other.a_plan()
        for service, path in (
            ("licensing", LICENSES),
            ("plans", "/v1/plans"),
            ("plans", "/v1/subscriptions"),
        ):
            assert (await getattr(world.admin, service).get(path)).json == {"items": []}


class TestTheOrderOfChecks:
    """401; 404 (tenant); 403 (role); 413, 415; 400, 422 (body); 428, 412; 409."""

    async def test_401_comes_before_404(self, world: World) -> None:
        assert (await nobody(world).get(f"{LICENSES}/{NO_SUCH}")).status == 401

    async def test_404_comes_before_403(self, world: World) -> None:
        reader = world.caller(roles=["GlobalReader"])
        refused = await reader.licensing.post(f"{LICENSES}/{NO_SUCH}/cancel", b"{", headers=TEXT)
        assert refused.status == 404

    async def test_403_comes_before_what_is_wrong_with_the_body(self, world: World) -> None:
        license = await world.buy()
        reader = world.caller(roles=["GlobalReader"])
        for path in ("", f"/{license['id']}/cancel"):
            for body in (b"{", b" " * (1024 * 1024 + 1)):
                refused = await reader.licensing.post(LICENSES + path, body, headers=TEXT)
                assert refused.status == 403

    async def test_413_comes_before_415(self, world: World) -> None:
        refused = await world.admin.licensing.post(LICENSES, b"x" * (1024 * 1024 + 1), headers=TEXT)
        assert refused.status == 413

    @pytest.mark.parametrize("query", ["?color=red", "?dry_run=maybe"])
    @pytest.mark.parametrize("key", ["k", "k" * 256])
    async def test_415_comes_before_400_and_422(self, world: World, query: str, key: str) -> None:
        refused = await world.admin.licensing.post(LICENSES + query, b"{", key=key, headers=TEXT)
        assert refused.status == 415

    async def test_422_comes_before_412(self, world: World) -> None:
        license = await world.buy()
        refused = await world.admin.licensing.post(
            f"{LICENSES}/{license['id']}/cancel", {"color": "red"}, headers={"If-Match": '"9-x"'}
        )
        assert refused.status == 422

    async def test_422_of_a_product_comes_before_428(self, world: World) -> None:
        license = await world.buy()
        for sku in ("NOPE", "OT_SITE_TRIAL_L", "EIOT_DEVICE"):
            refused = await world.admin.licensing.send(
                "PATCH", f"{LICENSES}/{license['id']}", {"renewal": {"sku": sku}}
            )
            assert refused.status == 422
            assert refused.json["errors"][0]["pointer"] == "/renewal/sku"

    async def test_412_comes_before_409(self, world: World) -> None:
        license = await world.buy()
        await world.cancel(license["id"])
        address = f"{LICENSES}/{license['id']}/cancel"
        stale = await world.admin.licensing.post(address, headers={"If-Match": license_etag(1)})
        assert stale.status == 412
        fresh = await world.admin.licensing.post(address, headers={"If-Match": license_etag(2)})
        assert fresh.status == 409

    async def test_400_of_the_terms_comes_before_409(self, world: World) -> None:
        plan = await world.a_plan()
        address = f"/v1/subscriptions/{plan['subscription_id']}/plan"
        assert (await world.admin.plans.put(address, {"terms_accepted": False})).code == "TermsNotAccepted"
        assert (await world.admin.plans.put(address, {"terms_accepted": True})).code == "PlanAlreadyExists"


class TestHealth:
    async def test_whoever_asks_is_told_whether_a_service_lives_and_is_ready(self, world: World) -> None:
        for service in ("licensing", "plans"):
            for path in ("/livez", "/readyz", "/metrics"):
                assert (await nobody(world, service).get(path)).status == 200


def license_etag(version: int) -> str:
    return f'"{version}-any"'


class TestLinkingASubscription:
    async def test_its_creator_becomes_owner_and_only_an_owner_may_rename_it(self, world: World) -> None:
        address = f"/v1/subscriptions/{uuid4()}"
        ada, bob = world.caller("ada@example.com", roles=[]), world.caller("bob@example.com", roles=[])
        made = await ada.plans.put(address, {"display_name": "Plant 7"})
        assert (made.status, made.json["roles"], made.json["display_name"]) == (201, ["Owner"], "Plant 7")
        assert (await bob.plans.put(address, {"display_name": "Mine"})).code == "SubscriptionNotFound"
        renamed = await ada.plans.put(address, {"display_name": "Plant 8"})
        assert (renamed.status, renamed.json["display_name"]) == (200, "Plant 8")

    async def test_of_many_at_once_one_makes_it(self, world: World) -> None:
        address = f"/v1/subscriptions/{uuid4()}"
        put = world.admin.plans.put
        answers = await asyncio.gather(*(put(address, {"display_name": "Plant 7"}) for _ in range(10)))
        assert sorted(answer.status for answer in answers) == [200] * 9 + [201]
        assert {answer.json["version"] for answer in answers} == {1}

    async def test_of_many_names_at_once_the_last_one_stays(self, world: World) -> None:
        address = f"/v1/subscriptions/{uuid4()}"
        put = world.admin.plans.put
        answers = await asyncio.gather(*(put(address, {"display_name": f"Plant {n}"}) for n in range(5)))
        assert all(answer.json["display_name"] == f"Plant {n}" for n, answer in enumerate(answers))
        last = max(answers, key=lambda answer: int(answer.json["version"]))
        assert (await world.admin.plans.get(address)).json == last.json

    async def test_of_many_plans_at_once_one_is_added(self, world: World) -> None:
        await world.buy()
        await world.quiet()
        subscription = await world.link()
        async with world.expects("plan.added"):
            answers = await asyncio.gather(
                *(
                    world.admin.plans.put(f"/v1/subscriptions/{subscription}/plan", {"terms_accepted": True})
                    for _ in range(10)
                )
            )
        assert sorted(answer.status for answer in answers) == [201] + [409] * 9
        assert {answer.code for answer in answers if answer.status == 409} == {"PlanAlreadyExists"}

    @pytest.mark.parametrize("name", ["", "x" * 201, "a\nb", 7, None])
    async def test_a_name_that_is_none_is_refused(self, world: World, name: Any) -> None:
        refused = await world.admin.plans.put(f"/v1/subscriptions/{uuid4()}", {"display_name": name})
        assert refused.status == 422
        assert pointers(refused) == {"/display_name"}
        assert await world.rows() == {}
