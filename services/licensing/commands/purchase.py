"""The order of work of a purchase, and of a trial's start."""

from datetime import datetime

from services.licensing.commands.record import record
from services.licensing.domain.catalog import BillingFrequency, Product
from services.licensing.domain.license import License
from services.licensing.domain.purchase import purchase
from services.licensing.domain.trial import start_trial
from services.licensing.store import trials
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
    record(session, None, bought, by=by.id)
    return bought.license


async def begin_trial(session: Session, product: Product, *, by: Principal, now: datetime) -> License:
    """Start the one trial of the caller's tenant. Raises TrialAlreadyUsed, also for all but one at a time."""
    license_id = new_id()
    await trials.use(session, license_id)
    started = start_trial(product, license_id=license_id, tenant_id=by.tenant_id, now=now)
    record(session, None, started, by=by.id)
    return started.license
