"""Routes of licenses."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.licensing import roles
from services.licensing.api.shapes import CancellationOut, LicenseFilter, LicenseOut, PurchaseIn
from services.licensing.commands.cancel import cancel_license
from services.licensing.commands.purchase import purchase_licenses
from services.licensing.domain.catalog import Product
from services.licensing.domain.errors import (
    CancellationWindowClosed,
    LicenseNotActive,
    LicenseNotFound,
    ProductNotFound,
)
from services.licensing.store import licenses
from shared.http import problems
from shared.http.call import Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, answer_page
from shared.http.problems import Refused
from shared.http.write import write

router = APIRouter(prefix="/v1/licenses", tags=["Licensing"], route_class=Direct)


@router.post("", **documents(body=PurchaseIn, answer=LicenseOut, status=201, dry_run=True))
async def purchase(request: Request) -> Response:
    """Buy licenses of one product; they are charged and usable at once."""
    async with write(request) as call:
        call.allow(roles.PURCHASE)
        order = await call.body(PurchaseIn, dry_run=True)
        now = await call.now()
        bought = purchase_licenses(
            call.session,
            _product(request, order.sku, at=now),
            quantity=order.quantity,
            billing_frequency=order.billing_frequency,
            auto_renew=order.auto_renew,
            by=call.principal,
            now=now,
        )
        call.answer(
            201,
            LicenseOut.of(bought, now=now),
            version=bought.version,
            headers={"location": f"/v1/licenses/{bought.id}"},
        )
    return call.response


@router.get("", **documents(answer=Page[LicenseOut], query=LicenseFilter))
async def list_licenses(request: Request) -> Response:
    """The tenant's licenses, oldest first; deleted ones only if asked for."""
    async with read(request) as call:
        call.allow(roles.VIEW)
        asked = call.query(LicenseFilter)
        now = await call.now()
        found = await licenses.page(
            call.session, after=asked.after_id(), most=asked.limit + 1, status=asked.status, sku=asked.sku
        )
        shown = [LicenseOut.of(license, now=now) for license in found]
        answer_page(call, asked, shown, key=lambda item: str(item.id))
    return call.response


@router.get("/{license_id}", **documents(answer=LicenseOut, errors=[LicenseNotFound]))
async def get_license(request: Request) -> Response:
    """One license, with what may be done with it now."""
    async with read(request) as call:
        found = await licenses.get(call.session, _license_id(request))
        call.allow(roles.VIEW)
        call.query(Query)
        call.answer(200, LicenseOut.of(found, now=await call.now()), version=found.version)
    return call.response


@router.post(
    "/{license_id}/cancel",
    **documents(
        body=Nothing,
        answer=CancellationOut,
        dry_run=True,
        if_match="honored",
        errors=[LicenseNotFound, LicenseNotActive, CancellationWindowClosed],
    ),
)
async def cancel(request: Request) -> Response:
    """Cancel a license within 168 hours of its start or renewal; answers with the refund."""
    async with write(request) as call:
        license = await licenses.lock(call.session, _license_id(request))
        call.allow(roles.CANCEL)
        await call.body(Nothing, optional=True, dry_run=True)
        call.match(license.version)
        now = await call.now()
        cancellation = cancel_license(call.session, license, by=call.principal, now=now)
        call.answer(200, CancellationOut.of(cancellation, now=now), version=cancellation.license.version)
    return call.response


def _license_id(request: Request) -> UUID:
    """What is no id names no license. Raises LicenseNotFound."""
    given = request.path_params["license_id"]
    try:
        return UUID(given)
    except ValueError:
        raise LicenseNotFound(given) from None


def _product(request: Request, sku: str, *, at: datetime) -> Product:
    try:
        product: Product = request.app.state.catalog.product(sku, at=at)
    except ProductNotFound as error:
        raise Refused(problems.invalid_request([{"pointer": "/sku", "detail": str(error)}])) from error
    return product
