"""Was anything lost, or done twice? The answers given, PostgreSQL and Kafka have to agree."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from deploy.local.system import System
from shared.events.licensing import LicenseEvent
from shared.events.plans import PlanEvent
from shared.events.topics import LICENSING, PLANS
from tests.fault.stories import Story
from tests.support.calls import licenses_of, sites_of
from tests.support.eventually import eventually
from tests.support.topic_history import Recorded, topic_history

_COUNTS = """
    SELECT
        (SELECT count(*) FROM licensing.licenses WHERE tenant_id = $1) AS licenses,
        (SELECT count(*) FROM licensing.audit_events WHERE tenant_id = $1) AS licensing_audit,
        (SELECT count(*) FROM plans.inbox WHERE tenant_id = $1) AS inbox,
        (SELECT count(*) FROM plans.held_licenses WHERE tenant_id = $1) AS held,
        (SELECT count(*) FROM plans.audit_events WHERE tenant_id = $1 AND action LIKE 'plan.%') AS plan_audit
"""
_UNSENT = "SELECT (SELECT count(*) FROM licensing.outbox) + (SELECT count(*) FROM plans.outbox)"
_PARKED = "SELECT count(*) FROM plans.parked_events"


async def check(system: System, stories: Sequence[Story]) -> None:
    """Fails where the system does not keep what it told these stories, or tells others something else."""
    database = await asyncpg.connect(system.database_url)
    try:
        await eventually(lambda: database.fetchval(_UNSENT), until=lambda unsent: unsent == 0)
        assert await database.fetchval(_PARKED) == 0
        licensing = _by_tenant(await topic_history(system.kafka_bootstrap_servers, LICENSING))
        plans = _by_tenant(await topic_history(system.kafka_bootstrap_servers, PLANS))
        for story in stories:
            told = licensing[story.tenant]
            versions = await _check_licenses(story, told)
            plan_version = await _check_plan(story, plans[story.tenant])
            counts = await database.fetchrow(_COUNTS, story.tenant)
            assert dict(counts) == {
                "licenses": len(story.bought),
                "licensing_audit": versions,
                "inbox": versions,
                "held": len(story.bought),
                "plan_audit": plan_version,
            }
            assert _folded(told) == story.sites
    finally:
        await database.close()


async def _check_licenses(story: Story, told: Iterable[Recorded]) -> int:
    """The sum of the licenses' versions."""
    now = {license["id"]: license for license in await licenses_of(story.caller)}
    answered = [license["id"] for license in story.bought.values()]
    assert sorted(now) == sorted(answered), "not every answered purchase is there exactly once"
    by_license = {name.removeprefix("license/"): history for name, history in _histories(told).items()}
    assert set(by_license) == set(now), "Kafka tells of other licenses than there are"
    for answer in story.bought.values():
        license = now[answer["id"]]
        cancelled = license["id"] in story.cancelled
        assert (license["status"], license["version"]) == (("disabled", 2) if cancelled else ("active", 1))
        first = by_license[license["id"]][0].event
        last = by_license[license["id"]][-1].event
        assert isinstance(first, LicenseEvent)
        assert isinstance(last, LicenseEvent)
        assert first.license.model_dump(mode="json") == _without(answer, "allowed_actions")
        assert last.license.model_dump(mode="json") == _without(license, "allowed_actions")
    return sum(license["version"] for license in now.values())


async def _check_plan(story: Story, told: Iterable[Recorded]) -> int:
    """The plan's version."""
    plan = (await story.caller.insist("GET", f"{story.subscription}/plan")).body
    assert sites_of(plan) == story.sites
    (history,) = _histories(one for one in told if isinstance(one.event, PlanEvent)).values()
    last = history[-1].event
    assert isinstance(last, PlanEvent)
    assert last.plan.version == plan["version"]
    # `as_of` moves with every license event, also with one that changes nothing for the plan.
    assert _without(last.plan.model_dump(mode="json"), "as_of") == _without(plan, "as_of", "allowed_actions")
    version: int = plan["version"]
    return version


def _histories(told: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    """The events of each subject, versions 1 to n; what came more than once came with the same content."""
    histories: defaultdict[str, list[Recorded]] = defaultdict(list)
    for one in told:
        history = histories[one.envelope.subject]
        version = one.envelope.aggregateversion
        if version <= len(history):
            assert one == history[version - 1], "one event, two contents"
        else:
            assert version == len(history) + 1, f"{one.envelope.subject}: {version} after {len(history)}"
            history.append(one)
    return histories


def _folded(told: Iterable[Recorded]) -> dict[str, int]:
    """The sites that a tenant's licenses allow, from their events alone."""
    sites: Counter[str] = Counter()
    for history in _histories(told).values():
        last = history[-1].event
        assert isinstance(last, LicenseEvent)
        if last.license.status == "active" and last.license.site_size is not None:
            sites[last.license.site_size] += last.license.quantity
    return dict(sites)


def _by_tenant(history: Iterable[Recorded]) -> defaultdict[UUID, list[Recorded]]:
    found: defaultdict[UUID, list[Recorded]] = defaultdict(list)
    for one in history:
        found[one.envelope.tenantid].append(one)
    return found


def _without(body: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in names}
