"""The order of work of a cancel."""

from datetime import datetime

from services.licensing import events
from services.licensing.domain.cancellation import Cancellation, cancel
from services.licensing.domain.license import License
from services.licensing.store import audit, licenses
from shared.db.database import Session
from shared.identity import Principal


def cancel_license(session: Session, license: License, *, by: Principal, now: datetime) -> Cancellation:
    """Cancel the license, which the session has locked.

    Raises CancellationWindowClosed, LicenseNotActive.
    """
    cancellation = cancel(license, now=now)
    licenses.save(session, cancellation.license)
    state = events.cancelled(session, license, cancellation.license, now=now)
    before = events.state_of(license, now=now)
    audit.record(session, "license.cancelled", by=by, now=now, before=before, after=state)
    return cancellation
