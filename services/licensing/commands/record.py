"""How every change of a license is written, whichever rule made it: state, money, event and audit together."""

from services.licensing import events
from services.licensing.domain.change import Change
from services.licensing.domain.license import License
from services.licensing.domain.tax import Tax, no_tax
from services.licensing.store import audit, invoices, licenses
from shared.db.database import Session

_tax: Tax = no_tax


def tax_by(rule: Tax) -> None:
    """Have every change from now on taxed by `rule`; called once, when a process starts."""
    global _tax  # noqa: PLW0603 -- one rule for the installation, like its catalog
    _tax = rule


def record(session: Session, before: License | None, change: Change, *, by: str) -> None:
    """Write the change from `before` (None: the license is new), done by the principal `by`."""
    after = change.license
    if before is None:
        licenses.add(session, after)
    else:
        licenses.save(session, after)
    invoices.add_lines(session, after.tenant_id, (*change.lines, *_tax(change.lines)), at=change.at)
    if change.happened == "month_charged":
        return
    was = None if before is None else events.state_of(before, now=change.at)
    state = events.state_of(after, now=change.at)
    events.publish(session, was, state, after, change)
    audit.record(
        session,
        f"license.{change.happened}",
        tenant_id=after.tenant_id,
        by=by,
        at=change.at,
        before=was,
        after=state,
    )
