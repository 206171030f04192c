"""The order of work of a reactivation: one license ends, another begins."""

from datetime import datetime

from services.licensing.commands.record import record
from services.licensing.domain.catalog import Product
from services.licensing.domain.license import License
from services.licensing.domain.reactivation import reactivate
from shared.db.database import Session
from shared.identity import Principal
from shared.ids import new_id


def reactivate_license(
    session: Session, license: License, product: Product, *, by: Principal, now: datetime
) -> License:
    """Take up an expired license, which the session has locked; the new license.

    Raises LicenseNotExpired, TrialAlreadyUsed.
    """
    old, new = reactivate(license, product, license_id=new_id(), now=now)
    record(session, license, old, by=by.id)
    record(session, None, new, by=by.id)
    return new.license
