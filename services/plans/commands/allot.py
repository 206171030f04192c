"""What the licenses of a tenant give its sites; nothing is written."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from services.plans.domain.allocation import (
    STOPPED,
    UNLICENSED,
    Allotted,
    Claim,
    allocate,
    takes_from_another,
)
from services.plans.domain.errors import SiteSizeNotLicensed
from services.plans.domain.holdings import Holdings
from services.plans.domain.service import service
from services.plans.domain.site import Site
from services.plans.store import holdings
from shared.db.database import Session


async def allot(
    session: Session, tenant_id: UUID, claimants: Sequence[Site], held: Holdings, *, at: datetime
) -> dict[UUID, Allotted]:
    """What each of the tenant's sites gets as of `at` (aware UTC), by its id.

    `claimants` are all of its sites that need a license, oldest first. Of the licenses in use, no more are looked
    at than there are sites.
    """
    if service(held, now=at).state in {"stopped", "purged"}:
        return {site.id: STOPPED for site in claimants}
    found = {site.id: UNLICENSED for site in claimants}
    claims: dict[str, list[Claim]] = {}
    for site in claimants:
        if site.site_size is not None:
            claims.setdefault(site.site_size, []).append(Claim(site.id, site.sized_at or site.created_at))
    for size, of_size in claims.items():
        licenses = await holdings.of_size(session, tenant_id, size, most=len(of_size), at=at)
        found |= allocate(of_size, licenses, any_in_use=held.any_in_use, at=at)
    return found


async def allot_newly(
    session: Session, wanted: Site, others: Iterable[Site], held: Holdings, *, at: datetime
) -> dict[UUID, Allotted]:
    """The same with a site that newly asks for its size, which a license in use has to have room for.

    Raises SiteSizeNotLicensed where none has, or only because another site would lose its place (B67, B69).
    """
    others = [site for site in others if site.id != wanted.id]
    claimants = sorted([*others, wanted], key=lambda site: site.id)
    allotted = await allot(session, wanted.tenant_id, claimants, held, at=at)
    if allotted[wanted.id].coverage != "licensed" or any(
        takes_from_another(site.coverage, allotted[site.id].coverage) for site in others
    ):
        raise SiteSizeNotLicensed(wanted.site_size or "")
    return allotted
