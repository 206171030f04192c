"""Invoices in PostgreSQL: lines as they arise, and a header for each tenant, calendar month and currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Text, bindparam, cast, func, select, update

from services.licensing.domain.errors import InvoiceNotFound
from services.licensing.domain.line import Line
from services.licensing.domain.term import months_after
from services.licensing.store.tables import invoice_lines, invoices
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.ids import new_id

_LINE_FIELDS: Final = tuple(
    name
    for name in (column.name for column in invoice_lines.c)
    if name not in {"id", "tenant_id", "period_start", "amount"}
)
_OF_TENANT: Final = invoices.c.tenant_id == bindparam("tenant")
_GET: Final = Statement(select(invoices).where(_OF_TENANT, invoices.c.id == bindparam("invoice")))
_LIST: Final = Statement(
    select(invoices)
    .where(_OF_TENANT, invoices.c.id > bindparam("after"))
    .order_by(invoices.c.id)
    .limit(bindparam("most"))
)
_LINES: Final = Statement(
    select(invoice_lines)
    .where(
        invoice_lines.c.tenant_id == bindparam("tenant"),
        invoice_lines.c.period_start == bindparam("period_start"),
        invoice_lines.c.currency == bindparam("currency"),
    )
    .order_by(invoice_lines.c.id)
)
_LINES_BETWEEN: Final = Statement(
    select(invoice_lines)
    .where(
        invoice_lines.c.tenant_id == bindparam("tenant"),
        invoice_lines.c.period_start.between(bindparam("first"), bindparam("last")),
    )
    .order_by(invoice_lines.c.id)
)
_NEXT_TO_CLOSE: Final = Statement(
    select(func.min(invoices.c.period_end).label("period_end")).where(
        _OF_TENANT, invoices.c.closed_at.is_(None)
    )
)
_CLOSE: Final = Statement(
    update(invoices)
    .where(_OF_TENANT, invoices.c.closed_at.is_(None), invoices.c.period_end == bindparam("end"))
    .values(closed_at=bindparam("end"), number=cast(bindparam("prefix"), Text) + "-" + invoices.c.currency)
    .returning(invoices.c.id)
)


@dataclass(frozen=True, slots=True)
class Invoice:
    id: UUID
    tenant_id: UUID
    period_start: datetime
    period_end: datetime
    """Not part of it any more: when it closes."""
    currency: str
    number: str | None
    closed_at: datetime | None


def add_lines(session: Session, tenant_id: UUID, lines: Iterable[Line], *, at: datetime) -> None:
    """Put the lines on the draft invoice of the month of `at`."""
    period_start = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    for line in lines:
        session.writes.ensure(
            invoices,
            id=new_id(),
            tenant_id=tenant_id,
            period_start=period_start,
            period_end=months_after(period_start, 1),
            currency=line.currency,
        )
        session.writes.insert(
            invoice_lines,
            id=new_id(),
            tenant_id=tenant_id,
            period_start=period_start,
            amount=line.amount,
            **{name: getattr(line, name) for name in _LINE_FIELDS},
        )


async def get(session: Session, invoice_id: UUID) -> Invoice:
    """Raises InvoiceNotFound."""
    row = await session.row(_GET, tenant=session.tenant_id, invoice=invoice_id)
    if row is None:
        raise InvoiceNotFound(invoice_id)
    return Invoice(**row)


async def page(session: Session, *, after: UUID | None, most: int) -> list[Invoice]:
    """The tenant's invoices in the order they were begun."""
    rows = await session.rows(_LIST, tenant=session.tenant_id, after=after or UUID(int=0), most=most)
    return [Invoice(**row) for row in rows]


async def lines_of(session: Session, invoice: Invoice) -> list[Line]:
    """In the order they arose."""
    rows = await session.rows(
        _LINES,
        tenant=invoice.tenant_id,
        period_start=invoice.period_start,
        currency=invoice.currency,
    )
    return [_line(row) for row in rows]


async def lines_of_all(session: Session, invoices: Sequence[Invoice]) -> list[list[Line]]:
    """The lines of each, in the order they arose; of one tenant's invoices."""
    if not invoices:
        return []
    months = [invoice.period_start for invoice in invoices]
    lines: dict[tuple[datetime, str], list[Line]] = {}
    for row in await session.rows(
        _LINES_BETWEEN, tenant=session.tenant_id, first=min(months), last=max(months)
    ):
        lines.setdefault((row["period_start"], row["currency"]), []).append(_line(row))
    return [lines.get((invoice.period_start, invoice.currency), []) for invoice in invoices]


async def next_to_close(session: Session) -> datetime | None:
    """When the oldest open invoice of the tenant closes."""
    row = await session.row(_NEXT_TO_CLOSE, tenant=session.tenant_id)
    return None if row is None else row["period_end"]


async def close(session: Session, tenant_id: UUID, *, end: datetime) -> None:
    """Close what was open of the month that ended at `end`; nothing of it changes afterwards."""
    last_month = end - timedelta(days=1)
    await session.rows(
        _CLOSE, tenant=tenant_id, end=end, prefix=f"{last_month:%Y%m}-{tenant_id.hex[-8:].upper()}"
    )


def _line(row: Record) -> Line:
    return Line(**{name: row[name] for name in _LINE_FIELDS})
