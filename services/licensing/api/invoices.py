"""Routes of invoices."""

import asyncio
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.licensing import roles
from services.licensing.api.invoice_shapes import InvoiceOut, version_of
from services.licensing.domain.errors import InvoiceNotFound
from services.licensing.store import invoices
from shared.http.accept import preferred
from shared.http.call import Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page

router = APIRouter(prefix="/v1/invoices", tags=["Licensing"], route_class=Direct)
_JSON: Final = "application/json"
_PDF: Final = "application/pdf"
_BY_FORM: Final = {"vary": "accept"}


@router.get("", **documents(answer=Page[InvoiceOut], query=Paging))
async def list_invoices(request: Request) -> Response:
    """The tenant's invoices in the order they were begun, drafts among them."""
    async with read(request) as call:
        call.allow(roles.VIEW_INVOICES)
        asked = call.query(Paging)
        found = await invoices.page(call.session, after=asked.after_id(), most=asked.limit + 1)
        lines = await invoices.lines_of_all(call.session, found)
        shown = [InvoiceOut.of(*one) for one in zip(found, lines, strict=True)]
        answer_page(call, asked, shown, key=lambda item: str(item.id))
    return call.response


@router.get("/{invoice_id}", **documents(answer=InvoiceOut, forms=[_PDF], errors=[InvoiceNotFound]))
async def get_invoice(request: Request) -> Response:
    """One invoice, as JSON, or as the PDF for the customer with `Accept: application/pdf`."""
    printed = None
    async with read(request) as call:
        found = await invoices.get(call.session, _invoice_id(request))
        call.allow(roles.VIEW_INVOICES)
        form = preferred(request, (_JSON, _PDF))
        call.query(Query)
        lines = await invoices.lines_of(call.session, found)
        version = version_of(found, lines)
        if form == _PDF:
            printed = found, lines, version
        else:
            call.answer(200, InvoiceOut.of(found, lines), version=version, headers=_BY_FORM)
    if printed is not None:  # set by hand, with the connection given back
        # Slow to import, and asked for seldom: a process starts the sooner without it.
        from services.licensing import invoice_pdf  # noqa: PLC0415 -- see above

        found, lines, version = printed
        document = await asyncio.to_thread(invoice_pdf.printed, found, lines)
        name = f'inline; filename="{invoice_pdf.file_name(found)}"'
        call.answer_file(document, _PDF, version=version, headers={"content-disposition": name, **_BY_FORM})
    return call.response


def _invoice_id(request: Request) -> UUID:
    """What is no id names no invoice. Raises InvoiceNotFound."""
    given = request.path_params["invoice_id"]
    try:
        return UUID(given)
    except ValueError:
        raise InvoiceNotFound(given) from None
