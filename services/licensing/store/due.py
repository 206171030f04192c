"""Which tenants have something due: all that the scheduler's role can see of anybody's licenses."""

from typing import Final

from sqlalchemy import bindparam, func, select, union

from services.licensing.store.tables import invoices, licenses
from shared.db.statement import Statement
from shared.db.tables import tenants
from shared.schedule import SETTLED_AFTER

_NOW: Final = bindparam("now", type_=licenses.c.due_at.type)
_MOST: Final = 200
_WORLD: Final = select(tenants.c.tenant_id).where(tenants.c.clock.is_(None))

DUE: Final = Statement(
    union(
        select(licenses.c.tenant_id)
        .where(licenses.c.due_at <= _NOW, licenses.c.tenant_id.in_(_WORLD))
        .order_by(licenses.c.due_at)
        .limit(_MOST)
        .subquery()
        .select(),
        select(invoices.c.tenant_id)
        .where(
            invoices.c.closed_at.is_(None),
            invoices.c.period_end <= _NOW - SETTLED_AFTER,
            invoices.c.tenant_id.in_(_WORLD),
        )
        .order_by(invoices.c.period_end)
        .limit(_MOST)
        .subquery()
        .select(),
    )
)
"""Tenants on the world's clock with something due at `now`."""

NEXT_DUE: Final = (
    select(func.min(licenses.c.due_at))
    .where(licenses.c.tenant_id == tenants.c.tenant_id)
    .correlate(tenants)
    .scalar_subquery()
)
"""When time changes something next of a tenant of `tenants`; until then its audit is complete."""
