"""Routes of the tenant's audit."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.licensing import roles
from shared.http.audit import AuditEventOut, AuditFilter, VerificationOut, answer_events, answer_verification
from shared.http.call import Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page

router = APIRouter(prefix="/v1/audit-events", tags=["Licensing"], route_class=Direct)


@router.get("", **documents(answer=Page[AuditEventOut], query=AuditFilter))
async def list_audit_events(request: Request) -> Response:
    """Who changed which license, when, and from what to what; oldest first."""
    async with read(request) as call:
        call.allow(roles.VIEW_AUDIT)
        await answer_events(call, call.principal.tenant_id)
    return call.response


@router.get("/verification", **documents(answer=VerificationOut))
async def verify_audit_events(request: Request) -> Response:
    """Whether the tenant's chain is whole, found by hashing all of it anew."""
    async with read(request) as call:
        call.allow(roles.VIEW_AUDIT)
        call.query(Query)
        await answer_verification(call, call.principal.tenant_id)
    return call.response
