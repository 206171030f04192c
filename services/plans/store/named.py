"""Rows that callers name within a subscription, whatever the case; a deleted one stays, for its name may come again."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, bindparam, select

from services.plans.domain.site import name_key
from shared.db.database import Record, Session
from shared.db.statement import Statement


class Named:
    """The queries that all such tables have; `there` tells those from the deleted ones."""

    def __init__(self, table: Table, there: ColumnElement[bool]) -> None:
        of_subscription = select(table).where(
            table.c.tenant_id == bindparam("tenant"), table.c.subscription_id == bindparam("subscription")
        )
        one = of_subscription.where(table.c.name_key == bindparam("name_key"))
        in_order = of_subscription.where(there).order_by(table.c.name_key)
        self._get = Statement(one)
        self._lock = Statement(one.with_for_update())
        self._all = Statement(in_order)
        self._lock_all = Statement(in_order.with_for_update())
        self._list = Statement(in_order.where(table.c.name_key > bindparam("after")).limit(bindparam("most")))

    async def find(
        self, session: Session, subscription_id: UUID, name: str, *, locked: bool = False
    ) -> Record | None:
        """The row of that name, also a deleted one; `locked`: held until the session ends."""
        statement = self._lock if locked else self._get
        return await session.row(statement, **named(session, subscription_id, name))

    async def all(self, session: Session, subscription_id: UUID, *, locked: bool = False) -> list[Record]:
        """What is there, by name."""
        statement = self._lock_all if locked else self._all
        return await session.rows(statement, tenant=session.tenant_id, subscription=subscription_id)

    async def page(
        self, session: Session, subscription_id: UUID, *, after: str | None, most: int
    ) -> list[Record]:
        """What is there by name, those after the name `after`."""
        return await session.rows(
            self._list,
            tenant=session.tenant_id,
            subscription=subscription_id,
            after=name_key(after or ""),
            most=most,
        )


def named(session: Session, subscription_id: UUID, name: str) -> dict[str, Any]:
    """The parameters that mean one row of the session's tenant."""
    return {"tenant": session.tenant_id, "subscription": subscription_id, "name_key": name_key(name)}
