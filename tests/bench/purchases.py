"""A purchase's rows, by the very command, for those who need rows and no purchase."""

from datetime import datetime
from uuid import UUID

from services.licensing.commands.purchase import purchase_licenses
from services.licensing.store.catalog import Catalog
from shared.db.database import Database, Session
from shared.db.writes import Writes
from shared.identity import Principal

SKU = "OT_SITE_L"
BODY = '{"sku": "OT_SITE_L", "quantity": 1, "billing_frequency": "annual", "auto_renew": true}'


def buy(session: Session, catalog: Catalog, *, by: Principal, now: datetime) -> UUID:
    """Buy one license, as the route does; its id."""
    product = catalog.product(SKU, at=now)
    return purchase_licenses(
        session, product, quantity=1, billing_frequency="annual", auto_renew=True, by=by, now=now
    ).id


def rows_of_one(database: Database, catalog: Catalog, *, by: Principal, now: datetime) -> Writes:
    """What a purchase would write; nothing is written."""
    session = database.begin(by.tenant_id)
    buy(session, catalog, by=by, now=now)
    return session.writes
