"""The order of work of a purchase."""

from datetime import datetime

from services.licensing import events
from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.license import License
from services.licensing.domain.purchase import purchase
from services.licensing.store import audit, licenses
from shared.db.database import Session
from shared.identity import Principal
from shared.ids import new_id


def purchase_licenses(
    session: Session,
    product: Product,
    *,
    quantity: int,
    billing_frequency: BillingFrequency,
    auto_renew: bool,
    by: Principal,
    now: datetime,
) -> License:
    """Buy `quantity` licenses of `product` for the caller's tenant."""
    bought = purchase(
        product,
        quantity=quantity,
        billing_frequency=billing_frequency,
        auto_renew=auto_renew,
        license_id=new_id(),
        tenant_id=by.tenant_id,
        now=now,
    )
    licenses.add(session, bought)
    state = events.purchased(session, bought, now=now)
    audit.record(session, "license.purchased", by=by, now=now, before=None, after=state)
    return bought
