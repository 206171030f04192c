"""The order of work of a sensor's report of the devices that it sees."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from services.plans.commands.count_notices import catch_up, settle_held
from services.plans.commands.devices_idle import SWEPT_AFTER
from services.plans.domain.device import Sighting
from services.plans.domain.errors import SensorNotFound
from services.plans.domain.inventory import Observed, identity_of_address, identity_of_key, observe
from services.plans.domain.observation import Observation, Reason, sightings
from services.plans.store import audit, device_counts, device_limits, devices
from services.plans.store.device_counts import DeviceCount
from services.plans.store.devices import Place
from shared.db.database import Session
from shared.identity import Principal


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a sensor's report."""

    accepted: int
    ignored: list[tuple[int, Reason]]
    detected_devices: int
    """Of the whole subscription, now."""


async def observe_devices(
    session: Session, place: Place, observations: Sequence[Observation], *, by: Principal, now: datetime
) -> Report:
    """Count what a sensor at this place has seen (B40–B48), and tell where that is too much.

    Reports of one site go one after the other; of a subscription with a legacy plan, all of its reports do, for
    their devices count together. Raises SensorNotFound where the site was deleted meanwhile.
    """
    kept, ignored = sightings(observations, now=now)
    is_legacy = await device_limits.is_legacy(session, place.subscription_id)
    sums = await _lock(session, place, whole=is_legacy)
    sums = await catch_up(session, place.subscription_id, sums, whole=is_legacy, now=now)
    before = _of_site(sums, place)
    observed = await _observe(session, place, before.inventory_id, kept, now=now)
    after = replace(before, counted=before.counted + observed.counted, sweep_at=_sweep_at(before, observed))
    if after != before:
        device_counts.save(session, after)
        await session.flush()
    limits = await device_limits.of(session, place.subscription_id, [place.id], now=now)
    is_over = bool(limits.commitment.above or any(site.above for site in limits.sites))
    is_told = any(one.due_at is not None for one in sums)
    if is_over != is_told or (is_over and observed.fell):
        await settle_held(session, limits, [after if one is before else one for one in sums], at=now)
    report = Report(len(kept), ignored, limits.commitment.devices)
    _record(session, place, report, by=by, now=now)
    return report


async def _lock(session: Session, place: Place, *, whole: bool) -> Sequence[DeviceCount]:
    sums = await device_counts.lock(session, place.subscription_id, [place.id], whole=whole)
    if any(one.site_id == place.id for one in sums):
        return sums
    if await devices.place_of(session, place.subscription_id, place.sensor) != place:
        raise SensorNotFound(place.sensor)
    await device_counts.ensure(session, place.subscription_id, place.id)
    return await device_counts.lock(session, place.subscription_id, [place.id], whole=whole)


def _of_site(sums: Sequence[DeviceCount], place: Place) -> DeviceCount:
    for one in sums:
        if one.site_id == place.id:
            return one
    raise SensorNotFound(place.sensor)


async def _observe(
    session: Session, place: Place, inventory_id: UUID, kept: Sequence[Sighting], *, now: datetime
) -> Observed:
    if not kept:
        return Observed()
    addresses = {one.address for one in kept}
    claims = await devices.claims(session, inventory_id, place.zone, addresses)
    identities = {identity_of_address(one) for one in addresses}
    identities.update(identity_of_key(one.device_key) for one in kept if one.device_key is not None)
    identities.update(owner for owners in claims.values() for owner in owners)
    # Sorted, for neighbors in the index are read and written together.
    known = await devices.rows(session, inventory_id, place.zone, sorted(identities))
    observed = observe(kept, known, claims, now=now)
    await devices.save(session, inventory_id, place.zone, dict(sorted(observed.rows.items())))
    devices.claim(session, inventory_id, place.zone, observed.claims)
    await session.flush()
    return observed


def _sweep_at(before: DeviceCount, observed: Observed) -> datetime | None:
    """Not before the first of the new ones goes idle; what is due earlier stays so."""
    idle = [row.seen.counted_until for row in observed.rows.values() if row.counted]
    moments = [one for one in (before.sweep_at, min(idle) + SWEPT_AFTER if idle else None) if one is not None]
    return min(moments, default=None)


def _record(session: Session, place: Place, report: Report, *, by: Principal, now: datetime) -> None:
    """One row for the whole report, with its numbers: the devices themselves are no history."""
    audit.record(
        session,
        "devices.observed",
        tenant_id=place.tenant_id,
        subscription_id=place.subscription_id,
        actor=by.id,
        at=now,
        resource=f"sensor/{place.subscription_id}/{place.sensor}",
        before=None,
        after={
            "accepted": report.accepted,
            "ignored": len(report.ignored),
            "detected_devices": report.detected_devices,
        },
    )
