"""Which license covers which site.

A pure function of a tenant's licenses and sites, so that neither the order of events nor their repetition can
make a difference. Sites, oldest first, take the oldest license of their size that has room; the youngest
sites are the ones that go without.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

from services.plans.domain.holdings import Held
from services.plans.domain.service import GRACE
from services.plans.domain.site import Coverage


@dataclass(frozen=True, slots=True)
class Claim:
    """A site that asks for a license of its size, since when."""

    site_id: UUID
    since: datetime


@dataclass(frozen=True, slots=True)
class Allotted:
    coverage: Coverage
    license_id: UUID | None = None
    max_devices: int | None = None


UNLICENSED = Allotted("unlicensed")
STOPPED = Allotted("stopped")


def room_of(held: Held, *, any_in_use: bool, at: datetime) -> Literal["licensed", "grace"] | None:
    """As what a license covers sites at `at`, if it does; `any_in_use`: whether some license of the tenant is.

    One that has expired goes on for its sites (B22). One that was cancelled counts as expired, for as many days,
    only while no license at all is in use (B24).
    """
    if held.in_use:
        return "licensed"
    if held.status == "expired":
        return "grace"
    counts = held.status == "disabled" and not any_in_use
    return "grace" if counts and held.ended_at is not None and held.ended_at + GRACE > at else None


def allocate(
    claims: Iterable[Claim], licenses: Sequence[Held], *, any_in_use: bool, at: datetime
) -> dict[UUID, Allotted]:
    """What each site of one size gets; claims from the oldest site on, licenses of that size in any order."""
    oldest_first = sorted(licenses, key=lambda held: (held.purchased_at, held.license_id))
    rooms = ((held, room_of(held, any_in_use=any_in_use, at=at)) for held in oldest_first)
    roomy = [(held, room) for held, room in rooms if room is not None]
    left = {held.license_id: held.quantity for held, _ in roomy}
    found: dict[UUID, Allotted] = {}
    for claim in claims:
        found[claim.site_id] = UNLICENSED
        for place, (held, room) in enumerate(roomy):
            if room == "grace" and (held.ended_at is None or claim.since > held.ended_at):
                continue  # not for a site that came after its end
            found[claim.site_id] = Allotted(room, held.license_id, held.max_devices)
            left[held.license_id] -= 1
            if not left[held.license_id]:
                del roomy[place]
            break
    return found


def takes_from_another(before: Coverage, after: Coverage) -> bool:
    """Whether a site that does not ask has less than it had because another one asks for more."""
    return _WORTH.get(after, 0) < _WORTH.get(before, 0)


_WORTH: Final = MappingProxyType[Coverage, int]({"licensed": 2, "grace": 1})
