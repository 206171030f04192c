"""Route of notices: what needs somebody's eye."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.domain.errors import SubscriptionNotFound
from services.plans.events import notice_state
from services.plans.store import notices, subscriptions
from shared.events.state import NoticeState
from shared.http.call import read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page

router = APIRouter(prefix="/v1/notices", tags=["Plans"], route_class=Direct)


class NoticeFilter(Paging):
    subscription_id: UUID | None = None
    """Only what concerns this subscription."""


@router.get("", **documents(answer=Page[NoticeState], query=NoticeFilter, errors=[SubscriptionNotFound]))
async def list_notices(request: Request) -> Response:
    """What needs the caller's eye now: about licenses by directory role, else by role on a subscription."""
    async with read(request) as call:
        asked = call.query(NoticeFilter)
        who, narrowed = call.principal, asked.subscription_id
        if narrowed is not None:
            await subscriptions.get(call.session, narrowed, seen_by=who)
        found = await notices.page(
            call.session,
            seen_by=who,
            reads_licenses=not who.roles.isdisjoint(roles.SEE_LICENSES),
            subscription_id=narrowed,
            after=asked.after_id(),
            most=asked.limit + 1,
        )
        answer_page(call, asked, [notice_state(one) for one in found], key=lambda item: str(item.id))
    return call.response
