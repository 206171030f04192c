"""A site has another license, or none: how many sites use each license is counted anew (B15).

Every site event says which license covers the site, so one handler serves all of them.
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.licensing.store import assignments
from services.licensing.store.assignments import Counted, KnownSite, Name
from shared.db.database import Session
from shared.events.plans import SiteEvent
from shared.kafka.consumer import Received, VersionGap


async def site_changed(session: Session, received: Sequence[Received]) -> None:
    """Apply site events of any tenants, older ones of a site before newer ones.

    Raises VersionGap where an event of a site is missing.
    """
    told = [(_name(one, one.event), one, one.event) for one in received if isinstance(one.event, SiteEvent)]
    before = await assignments.lock_sites(session, {name for name, _, _ in told})
    now = dict(before)
    changes: dict[UUID, Counted] = {}
    for name, one, event in told:
        known = now.get(name)
        have = 0 if known is None else known.version
        if event.site.version > have + 1:
            raise VersionGap(f"{one.envelope.subject}: version {event.site.version} came after {have}")
        if event.site.version <= have:
            continue
        tenant = one.envelope.tenantid
        now[name] = KnownSite(tenant, event.site.license_id, event.site.version)
        nothing = Counted(tenant, 0, one.envelope.time)
        for license_id, change in (
            (None if known is None else known.license_id, -1),
            (event.site.license_id, +1),
        ):
            if license_id is not None:
                counted = changes.get(license_id, nothing)
                changes[license_id] = replace(
                    counted, change=counted.change + change, as_of=max(counted.as_of, one.envelope.time)
                )
    for name, site in now.items():
        if site != before.get(name):
            assignments.save_site(session, name, site, known=name in before)
    await assignments.count(session, changes)


def _name(one: Received, event: SiteEvent) -> Name:
    return UUID(one.envelope.partitionkey), event.site.name.lower()
