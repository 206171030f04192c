"""Does a purchase reach its price plan, and does Kafka tell others all of it?"""

from uuid import UUID

from deploy.local.client import Client
from deploy.local.system import System
from shared.events.licensing import LicenseEvent
from shared.events.plans import PlanEvent
from shared.events.topics import LICENSING, PLANS
from tests.support.calls import (
    add_plan,
    assert_refused,
    buy,
    licenses_of,
    link,
    plan_with,
    previewed,
    sites_of,
)
from tests.support.topic_history import told_of


async def test_the_plan_follows_the_licenses(system: System, caller: Client, tenant: UUID) -> None:
    subscription = await link(caller)
    preview = await previewed(caller, subscription, {})
    assert [blocker["code"] for blocker in preview["blockers"]] == ["NoActiveLicense"]
    refused = await caller.send("PUT", f"{subscription}/plan", {"terms_accepted": True})
    assert_refused(refused, 409, "NoActiveLicense")

    large = await buy(caller, "OT_SITE_L", 3)
    small = await buy(caller, "OT_SITE_XS", 1)
    preview = await previewed(caller, subscription, {"XS": 1, "L": 3})
    assert preview["blockers"] == []
    assert preview["price_plan"] == "microsoft_365"

    refused = await caller.send("PUT", f"{subscription}/plan", {"terms_accepted": False})
    assert_refused(refused, 400, "TermsNotAccepted")
    added = await add_plan(caller, subscription)
    read = (await caller.send("GET", f"{subscription}/plan")).body
    assert read["price_plan"] == added["price_plan"] == "microsoft_365"
    assert sites_of(read) == {"XS": 1, "L": 3}
    assert read["version"] == 1

    medium = await buy(caller, "OT_SITE_M", 2)
    assert (await plan_with(caller, subscription, {"XS": 1, "M": 2, "L": 3}))["version"] == 2

    cancel = await caller.send("POST", f"/v1/licenses/{medium['id']}/cancel")
    assert cancel.status == 200
    # The day of the purchase is used: 2 x 1,200.00 x 364 / 365, or / 366 where 29 February lies in the term.
    assert cancel.body["refund"] in (
        {"amount": f"{cents}", "currency": "USD"} for cents in ("2393.42", "2393.44")
    )
    assert (await plan_with(caller, subscription, {"XS": 1, "L": 3}))["version"] == 3

    entitlements = (await caller.send("GET", f"{subscription}/entitlements")).body
    assert entitlements["service_state"] == "running"
    assert sites_of(entitlements) == {"XS": 1, "L": 3}

    statuses = {license["id"]: license["status"] for license in await licenses_of(caller)}
    assert statuses == {large["id"]: "active", small["id"]: "active", medium["id"]: "disabled"}

    await _assert_the_licenses_are_told(system, tenant, [large["id"], small["id"], medium["id"]])
    await _assert_the_plan_is_told(system, tenant, subscription.rpartition("/")[2])


async def test_a_license_bought_before_counts_for_a_plan_added_later(caller: Client) -> None:
    await buy(caller, "OT_SITE_S", 4)
    subscription = await link(caller)
    await previewed(caller, subscription, {"S": 4})
    assert sites_of(await add_plan(caller, subscription)) == {"S": 4}


async def test_without_a_license_left_the_service_goes_on_in_its_grace(caller: Client) -> None:
    license = await buy(caller)
    subscription = await link(caller)
    await previewed(caller, subscription, {"L": 1})
    await add_plan(caller, subscription)
    assert (await caller.send("POST", f"/v1/licenses/{license['id']}/cancel")).status == 200
    plan = await plan_with(caller, subscription, {})
    assert plan["service_state"] == "grace"
    assert plan["service_stops_at"] is not None


async def _assert_the_licenses_are_told(system: System, tenant: UUID, ids: list[str]) -> None:
    told = await told_of(tenant, LICENSING, system.kafka_bootstrap_servers, count=4)
    assert sorted((one.key, one.envelope.aggregateversion, one.envelope.type) for one in told) == sorted(
        [
            *((license_id, 1, "siteward.license.purchased.v1") for license_id in ids),
            (ids[-1], 2, "siteward.license.cancelled.v1"),
        ]
    )
    for one in told:
        assert isinstance(one.event, LicenseEvent)
        assert one.envelope.subject == f"license/{one.key}"
        assert one.event.license.version == one.envelope.aggregateversion
    cancelled = next(one.event for one in told if one.envelope.aggregateversion == 2)
    assert cancelled.previous["status"] == "active"


async def _assert_the_plan_is_told(system: System, tenant: UUID, subscription: str) -> None:
    told = await told_of(tenant, PLANS, system.kafka_bootstrap_servers, count=3)
    assert [(one.envelope.type, one.envelope.aggregateversion) for one in told] == [
        ("siteward.plan.added.v1", 1),
        ("siteward.plan.price_plan_changed.v1", 2),
        ("siteward.plan.price_plan_changed.v1", 3),
    ]
    sizes = []
    for one in told:
        assert isinstance(one.event, PlanEvent)
        assert (one.key, one.envelope.subject) == (subscription, f"plan/{subscription}")
        sizes.append({size.site_size: size.quantity for size in one.event.plan.licensed_sites})
    assert sizes == [{"XS": 1, "L": 3}, {"XS": 1, "M": 2, "L": 3}, {"XS": 1, "L": 3}]
