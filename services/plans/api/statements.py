"""Routes of statements: what a subscription's plan cost, month by month."""

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles, statement_csv
from services.plans.api.access import subscription_of
from services.plans.domain import statement
from services.plans.domain.errors import StatementNotFound, SubscriptionNotFound
from services.plans.domain.ot_plan import month_of
from services.plans.events import statement_state
from services.plans.store import plan_terms, statements
from shared.db.database import Session
from shared.events.state import StatementState
from shared.http.accept import preferred
from shared.http.call import Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page, not_a_cursor

router = APIRouter(
    prefix="/v1/subscriptions/{subscription_id}/statements", tags=["Plans"], route_class=Direct
)
_MONTH: Final = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
_JSON: Final = "application/json"
_CSV: Final = "text/csv"
_PDF: Final = "application/pdf"
_BY_FORM: Final = {"vary": "accept"}
_VERSIONS: Final = {"draft": 0, "closed": 1}
"""A statement has its one version, that of its event, once it is closed."""


@router.get("", **documents(answer=Page[StatementState], query=Paging, errors=[SubscriptionNotFound]))
async def list_statements(request: Request) -> Response:
    """The statements of a subscription, newest first; those that are not closed, the running month's, as drafts."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        asked = call.query(Paging)
        before, most = asked.after(), asked.limit + 1
        if before is not None and not _MONTH.fullmatch(before):
            raise not_a_cursor()
        drafts = await _drafts(call.session, subscription.id, now=await call.now())
        shown = [one for one in drafts if before is None or one.month < before][:most]
        closed = await statements.page(
            call.session, subscription.id, before=shown[-1].month if shown else before, most=most - len(shown)
        )
        shown += [_kept(body) for body in closed]
        answer_page(call, asked, shown, key=lambda item: item.month)
    return call.response


@router.get(
    "/{month}",
    **documents(answer=StatementState, forms=[_CSV, _PDF], errors=[SubscriptionNotFound, StatementNotFound]),
)
async def get_statement(request: Request) -> Response:
    """One month's statement (`2026-06`), a draft up to now while it is open: as JSON, or as CSV or PDF by `Accept`."""
    printed = None
    async with read(request) as call:
        subscription = await subscription_of(call)
        found = await _statement(call.session, subscription.id, _month(request), now=await call.now())
        call.allow(roles.VIEW, held=subscription.roles)
        form = preferred(request, (_JSON, _CSV, _PDF))
        call.query(Query)
        version = _VERSIONS[found.status]
        if form == _PDF:
            printed = found
        elif form == _CSV:
            call.answer_file(
                statement_csv.written(found),
                f"{_CSV}; charset=utf-8; header=present",
                version=version,
                headers=_file("attachment", statement_csv.file_name(found)),
            )
        else:
            call.answer(200, found, version=version, headers=_BY_FORM)
    if printed is not None:  # with the connection given back
        # Slow to import, and asked for seldom: a process starts the sooner without it.
        from services.plans import statement_pdf  # noqa: PLC0415 -- see above

        document = await asyncio.to_thread(statement_pdf.printed, printed)
        call.answer_file(
            document,
            _PDF,
            version=_VERSIONS[printed.status],
            headers=_file("inline", statement_pdf.file_name(printed)),
        )
    return call.response


async def _statement(
    session: Session, subscription_id: UUID, month: datetime, *, now: datetime
) -> StatementState:
    """Raises StatementNotFound where no plan was in effect in the month, as far as it has come."""
    name = month.isoformat()[:7]
    if (body := await statements.find(session, subscription_id, name)) is not None:
        return _kept(body)
    if month <= now:
        terms = await plan_terms.since(session, [subscription_id], tenant_id=session.tenant_id, start=month)
        found = statement.draft(subscription_id, terms[subscription_id], month, now=now)
        if found is not None:
            return statement_state(found)
    raise StatementNotFound(name)


async def _drafts(session: Session, subscription_id: UUID, *, now: datetime) -> list[StatementState]:
    """The months that are not closed, newest first."""
    month = await statements.first_open(session, subscription_id)
    if month is None:
        return []
    terms = await plan_terms.since(session, [subscription_id], tenant_id=session.tenant_id, start=month)
    found: list[StatementState] = []
    while month <= month_of(now):
        one = statement.draft(subscription_id, terms[subscription_id], month, now=now)
        if one is not None:
            found.insert(0, statement_state(one))
        month = statement.next_month(month)
    return found


def _kept(body: Mapping[str, Any]) -> StatementState:
    # It was checked when it was closed; a field that a later release adds is not there.
    return StatementState.model_validate(body, strict=False)


def _file(disposition: str, name: str) -> dict[str, str]:
    return {"content-disposition": f'{disposition}; filename="{name}"', **_BY_FORM}


def _month(request: Request) -> datetime:
    """The start of the month in the path. Raises StatementNotFound for what names no month."""
    given = request.path_params["month"]
    if not _MONTH.fullmatch(given):
        raise StatementNotFound(given)
    return datetime(int(given[:4]), int(given[5:]), 1, tzinfo=UTC)
