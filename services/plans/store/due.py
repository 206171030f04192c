"""What time does next: for one tenant, moment by moment; and for the scheduler, which tenants are to be looked at."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, ScalarSelect, Select, Table, bindparam, func, select, text, union

from services.plans.store.tables import device_counts, enterprise_iot, holdings, plans
from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import Moment, tenants
from shared.schedule import SETTLED_AFTER

_NOW: Final = bindparam("now", type_=Moment)
_MOST: Final = 200
_WORLD: Final = select(tenants.c.tenant_id).where(tenants.c.clock.is_(None))
_MONTH: Final = text("interval '1 month'")


def _earliest(column: ColumnElement[Any], table: Table) -> ScalarSelect[Any]:
    return select(func.min(column)).where(table.c.tenant_id == bindparam("tenant")).scalar_subquery()


_OF_TENANT: Final = Statement(
    select(
        _earliest(holdings.c.due_at, holdings).label("service"),
        _earliest(plans.c.due_at, plans).label("plans"),
        _earliest(enterprise_iot.c.due_at, enterprise_iot).label("enterprise_iot"),
        _earliest(device_counts.c.due_at, device_counts).label("devices"),
        (_earliest(plans.c.statement_month, plans) + _MONTH).label("month_end"),
    )
)


@dataclass(frozen=True, slots=True)
class Due:
    """When time changes something of a tenant next, by what it is; aware UTC, null: never."""

    service: datetime | None
    """The service stops, or its data are purged."""
    plans: datetime | None
    enterprise_iot: datetime | None
    devices: datetime | None
    """A notice on the number of devices may end."""
    month_end: datetime | None
    """End of the oldest month whose statements are not closed."""

    @property
    def change(self) -> datetime | None:
        """The next but for statements."""
        return _first(self.service, self.plans, self.enterprise_iot, self.devices)

    @property
    def next(self) -> datetime | None:
        """The next of all."""
        return _first(self.change, self.month_end)


def _first(*moments: datetime | None) -> datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


async def of_tenant(session: Session) -> Due:
    """What is due next of the session's tenant, whether or not its time has come."""
    row = await session.row(_OF_TENANT, tenant=session.tenant_id)
    return Due(None, None, None, None, None) if row is None else Due(**row)


def _tenants(table: Table, when: ColumnElement[Any], *due: ColumnElement[bool]) -> Select[Any]:
    """The tenants on the world's clock that are first in one queue."""
    return (
        select(table.c.tenant_id)
        .where(*due, table.c.tenant_id.in_(_WORLD))
        .order_by(when)
        .limit(_MOST)
        .subquery()
        .select()
    )


DUE: Final = Statement(
    union(
        *(
            _tenants(table, column, column <= _NOW)
            for table, column in (
                (holdings, holdings.c.due_at),
                (plans, plans.c.due_at),
                (enterprise_iot, enterprise_iot.c.due_at),
                (device_counts, device_counts.c.due_at),
                (device_counts, device_counts.c.sweep_at),
            )
        ),
        _tenants(
            plans,
            plans.c.statement_month,
            plans.c.statement_month < func.date_trunc("month", _NOW - SETTLED_AFTER, "UTC"),
        ),
    )
)
"""Tenants on the world's clock with something due at `now`."""


def _of_each(column: ColumnElement[Any], table: Table) -> ScalarSelect[Any]:
    return (
        select(func.min(column))
        .where(table.c.tenant_id == tenants.c.tenant_id)
        .correlate(tenants)
        .scalar_subquery()
    )


NEXT_DUE: Final = func.least(
    _of_each(holdings.c.due_at, holdings),
    _of_each(plans.c.due_at, plans),
    _of_each(enterprise_iot.c.due_at, enterprise_iot),
    _of_each(plans.c.statement_month, plans) + _MONTH,
)
"""When time does something next that is audited of a tenant of `tenants`; until then its audit is complete."""
