"""How every change of a site is written: state, event and audit together."""

from datetime import datetime

from services.plans import events
from services.plans.domain.site import Site
from services.plans.store import audit, sites
from shared.db.database import Session


def record_site(
    session: Session,
    before: Site | None,
    after: Site,
    *,
    devices: int,
    by: str,
    at: datetime,
    reason: str | None = None,
) -> None:
    """Write the change of a site, which the session has locked, from `before` (None: the name is new).

    `devices` are those detected there at the time, which an event tells of too.
    """
    was_there = before is not None and before.is_there
    if before is None or not was_there:
        sites.add(session, after, known=before is not None)
    else:
        sites.save(session, after)
    was = events.site_state(before, devices=devices) if before is not None and was_there else None
    state = events.site_state(after, devices=devices if after.is_there else 0)
    events.site_changed(session, after, was, state, now=at)
    audit.record(
        session,
        _action(was_there=was_there, is_there=after.is_there),
        tenant_id=after.tenant_id,
        subscription_id=after.subscription_id,
        actor=by,
        at=at,
        resource=f"site/{after.subscription_id}/{after.name}",
        before=was,
        after=state if after.is_there else {},
        reason=reason,
    )


def _action(*, was_there: bool, is_there: bool) -> str:
    if not was_there:
        return "site.made"
    return "site.changed" if is_there else "site.deleted"
