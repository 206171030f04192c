"""Enterprise IoT of subscriptions, in PostgreSQL."""

from collections.abc import Collection
from dataclasses import fields
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, select

from services.plans.domain.enterprise_iot import EnterpriseIot
from services.plans.store.tables import enterprise_iot
from shared.db.database import Session
from shared.db.statement import Statement

_FIELDS: Final = tuple(field.name for field in fields(EnterpriseIot))
_GET: Final = select(enterprise_iot).where(
    enterprise_iot.c.tenant_id == bindparam("tenant"),
    enterprise_iot.c.subscription_id == bindparam("subscription"),
)
_ONE: Final = Statement(_GET)
_LOCK: Final = Statement(_GET.with_for_update())
_LOCK_LICENSED: Final = Statement(
    select(enterprise_iot)
    .where(
        enterprise_iot.c.tenant_id == cast(bindparam("tenants"), ARRAY(Uuid)).any_(),
        enterprise_iot.c.status == "on",
        enterprise_iot.c.legacy.is_(False),
    )
    .order_by(enterprise_iot.c.subscription_id)
    .with_for_update()
)
_LOCK_DUE: Final = Statement(
    select(enterprise_iot)
    .where(enterprise_iot.c.tenant_id == bindparam("tenant"), enterprise_iot.c.due_at <= bindparam("at"))
    .order_by(enterprise_iot.c.subscription_id)
    .with_for_update()
)


async def get(session: Session, subscription_id: UUID) -> EnterpriseIot:
    """As it is on the subscription; off where it was never on."""
    row = await session.row(_ONE, tenant=session.tenant_id, subscription=subscription_id)
    return EnterpriseIot(subscription_id, session.tenant_id) if row is None else EnterpriseIot(**row)


async def lock(session: Session, subscription_id: UUID) -> EnterpriseIot:
    """The same, held until the session ends; what was never on is held by the tenant's lock alone."""
    row = await session.row(_LOCK, tenant=session.tenant_id, subscription=subscription_id)
    return EnterpriseIot(subscription_id, session.tenant_id) if row is None else EnterpriseIot(**row)


async def lock_licensed(session: Session, tenants: Collection[UUID]) -> list[EnterpriseIot]:
    """All of these tenants that is on by their licenses."""
    return [EnterpriseIot(**row) for row in await session.rows(_LOCK_LICENSED, tenants=list(tenants))]


async def lock_due(session: Session, at: datetime) -> list[EnterpriseIot]:
    """All of the session's tenant whose end takes effect at `at` or before."""
    rows = await session.rows(_LOCK_DUE, tenant=session.tenant_id, at=at)
    return [EnterpriseIot(**row) for row in rows]


def save(session: Session, now: EnterpriseIot) -> None:
    """Write it, which the session has locked, as it is now."""
    write = session.writes.insert if now.version == 1 else session.writes.update
    write(enterprise_iot, **{name: getattr(now, name) for name in _FIELDS})
