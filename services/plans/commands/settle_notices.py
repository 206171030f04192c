"""The order of work of raising and clearing notices.

They are not audited: a notice says what follows from something that is.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.plans import events
from services.plans.domain.notice import Notice, OpenNotice, settle
from services.plans.store import notices
from shared.db.database import Session
from shared.ids import new_id


async def settle_notices(
    session: Session,
    *,
    about: Collection[str],
    wanted: Collection[Notice],
    at: datetime,
    tenant_id: UUID | None = None,
    codes: Collection[str] | None = None,
) -> None:
    """Make `wanted` the open notices about these resources, as of `at` (aware UTC), and publish what changed.

    What is wanted and open already stays as it was raised. `codes` leaves notices of other codes alone;
    `tenant_id` is needed where the session has several tenants. The session has to hold a lock (of the tenant, or of
    what the notices are about) under which nobody else settles the same. Raises ValueError where something is
    wanted about another resource, or of another code.
    """
    if strays := [one for one in wanted if one.resource not in about or (codes and one.code not in codes)]:
        raise ValueError(f"these are not to be settled here: {strays}")
    if not about:
        return
    tenant = tenant_id or session.tenant_id
    open_ = await notices.lock_open(session, tenant, about, codes=codes)
    cleared, missing = settle(open_, wanted)
    for one in cleared:
        gone = replace(one, version=one.version + 1)
        notices.clear(session, gone, at=at)
        events.notice_cleared(session, gone, now=at)
    raise_notices(session, tenant, missing, at=at)


def raise_notices(session: Session, tenant_id: UUID, wanted: Collection[Notice], *, at: datetime) -> None:
    """Raise notices about what cannot have one of their code yet, such as a license that is new."""
    for notice in wanted:
        raised = OpenNotice(new_id(), tenant_id, notice, since=at, version=1)
        notices.add(session, raised)
        events.notice_raised(session, raised, now=at)
