"""The route of the license summary."""

from dataclasses import asdict

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.licensing import roles
from services.licensing.api.shapes import SummaryItem, SummaryOut
from services.licensing.store import summary
from shared.http.call import Query, read
from shared.http.documents import Direct, documents

router = APIRouter(prefix="/v1/license-summary", tags=["Licensing"], route_class=Direct)


@router.get("", **documents(answer=SummaryOut))
async def get_summary(request: Request) -> Response:
    """Licenses of each SKU by state, in Microsoft Graph's words."""
    async with read(request) as call:
        call.allow(roles.VIEW)
        call.query(Query)
        items = [SummaryItem(**asdict(one)) for one in await summary.of_tenant(call.session)]
        call.answer(200, SummaryOut(items=items), version=1)
    return call.response
