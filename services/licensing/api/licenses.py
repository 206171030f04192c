"""Routes of licenses."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from services.licensing import roles
from services.licensing.api.selling import paid_product, product_to_buy
from services.licensing.api.shapes import (
    CancellationOut,
    ConversionIn,
    LicenseFilter,
    LicenseOut,
    LicensePatch,
    PurchaseIn,
    RenewalIn,
)
from services.licensing.commands.change import make_change
from services.licensing.commands.pass_time import catch_up
from services.licensing.commands.purchase import begin_trial, purchase_licenses
from services.licensing.commands.reactivate import reactivate_license
from services.licensing.domain.cancellation import cancel
from services.licensing.domain.change import Change
from services.licensing.domain.errors import (
    AutoRenewOff,
    CancellationWindowClosed,
    LicenseInUse,
    LicenseNotActive,
    LicenseNotExpired,
    LicenseNotFound,
    NotATrial,
    RaisedTooOften,
    TrialAlreadyUsed,
    TrialExtensionNotAllowed,
    TrialQuantityFixed,
)
from services.licensing.domain.license import License, Scheduled
from services.licensing.domain.quantity import set_quantity
from services.licensing.domain.renewal import filled_in, schedule, set_auto_renew
from services.licensing.domain.trial import convert_at_end, convert_now, extend_trial
from services.licensing.store import licenses
from services.licensing.store.catalog import Catalog
from shared.http.call import Call, Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, answer_page
from shared.http.write import Write, write

router = APIRouter(prefix="/v1/licenses", tags=["Licensing"], route_class=Direct)
_Model = TypeVar("_Model", bound=BaseModel)


@router.post(
    "", **documents(body=PurchaseIn, answer=LicenseOut, status=201, dry_run=True, errors=[TrialAlreadyUsed])
)
async def purchase(request: Request) -> Response:
    """Buy licenses of one product, charged and usable at once; or start the tenant's trial."""
    async with write(request) as call:
        call.allow(roles.PURCHASE)
        order = await call.body(PurchaseIn, dry_run=True)
        now = await call.now()
        product, billing_frequency = product_to_buy(_catalog(call), order, at=now)
        if billing_frequency is None:
            bought = await begin_trial(call.session, product, by=call.principal, now=now)
        else:
            bought = purchase_licenses(
                call.session,
                product,
                quantity=order.quantity,
                billing_frequency=billing_frequency,
                auto_renew=order.auto_renew,
                by=call.principal,
                now=now,
            )
        _answer_new(call, bought, now)
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
        shown = [_shown(call, license, now) for license in found]
        answer_page(call, asked, shown, key=lambda item: str(item.id))
    return call.response


@router.get("/{license_id}", **documents(answer=LicenseOut, errors=[LicenseNotFound]))
async def get_license(request: Request) -> Response:
    """One license, with what may be done with it now."""
    async with read(request) as call:
        found = await licenses.get(call.session, _license_id(request))
        call.allow(roles.VIEW)
        call.query(Query)
        call.answer(200, _shown(call, found, await call.now()), version=found.version)
    return call.response


@router.patch(
    "/{license_id}",
    **documents(
        body=LicensePatch,
        answer=LicenseOut,
        dry_run=True,
        if_match="needed",
        errors=[
            LicenseNotFound,
            LicenseNotActive,
            LicenseInUse,
            AutoRenewOff,
            RaisedTooOften,
            TrialQuantityFixed,
        ],
    ),
)
async def patch(request: Request) -> Response:
    """Set auto-renew, set the quantity, or schedule a change for the renewal."""
    async with write(request) as call:
        check = partial(_check_renewal, call)
        license, asked, now = await _held(call, roles.CHANGE, LicensePatch, check=check, must_match=True)
        await _change(call, license, _patched(license, asked, now), now)
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
async def cancel_(request: Request) -> Response:
    """Cancel a license within 168 hours of its start or renewal; answers with the refund."""
    async with write(request) as call:
        license, _, now = await _held(call, roles.CANCEL, Nothing)
        cancellation = cancel(license, now=now)
        ended = await _made(call, license, cancellation, now)
        shown = CancellationOut.of(cancellation, now=now, held=call.principal.roles)
        call.answer(200, shown, version=ended.version)
    return call.response


@router.post(
    "/{license_id}/extend-trial",
    **documents(
        body=Nothing,
        answer=LicenseOut,
        dry_run=True,
        if_match="honored",
        errors=[LicenseNotFound, NotATrial, LicenseNotActive, TrialExtensionNotAllowed],
    ),
)
async def extend(request: Request) -> Response:
    """Extend the trial by 30 days, once, in its last 15 days."""
    async with write(request) as call:
        license, _, now = await _held(call, roles.START_TRIAL, Nothing)
        await _change(call, license, extend_trial(license, now=now), now)
    return call.response


@router.post(
    "/{license_id}/convert",
    **documents(
        body=ConversionIn,
        answer=LicenseOut,
        dry_run=True,
        if_match="honored",
        errors=[LicenseNotFound, NotATrial, LicenseNotActive],
    ),
)
async def convert(request: Request) -> Response:
    """Turn the trial into a paid license, now or at its end."""
    async with write(request) as call:
        check = partial(_check_conversion, call)
        license, asked, now = await _held(call, roles.PURCHASE, ConversionIn, check=check)
        terms = Scheduled(asked.sku, asked.quantity, asked.billing_frequency)
        if asked.when == "now":
            product = _catalog(call).product(asked.sku, at=now)
            change: Change | None = convert_now(license, product, terms, now=now)
        else:
            change = convert_at_end(license, terms, now=now)
        await _change(call, license, change, now)
    return call.response


@router.post(
    "/{license_id}/reactivate",
    **documents(
        body=Nothing,
        answer=LicenseOut,
        status=201,
        dry_run=True,
        if_match="honored",
        errors=[LicenseNotFound, LicenseNotExpired, TrialAlreadyUsed],
    ),
)
async def reactivate(request: Request) -> Response:
    """Take up an expired license as a new one, with the old product and quantity at today's price."""
    async with write(request) as call:
        license, _, now = await _held(call, roles.PURCHASE, Nothing)
        product = _catalog(call).product(license.sku, at=now)
        new = reactivate_license(call.session, license, product, by=call.principal, now=now)
        _answer_new(call, new, now)
    return call.response


async def _held(
    call: Write,
    allowed: tuple[str, ...],
    model: type[_Model],
    *,
    check: Callable[[License, _Model, datetime], object] | None = None,
    must_match: bool = False,
) -> tuple[License, _Model, datetime]:
    """The license in the path, locked and as it is now, and what was sent: all checks that come before a rule.

    `check`: what a body has to say of a license such as this; raises Refused (422).
    """
    now = await call.now()  # first, as the scheduler does: a sandbox is locked before its licenses
    license = await licenses.lock(call.session, _license_id(call.request))
    call.allow(allowed)
    asked = await call.body(model, optional=model is Nothing, dry_run=True)
    license = await catch_up(call.session, license, now, _catalog(call).at)
    if check is not None:
        check(license, asked, now)
    call.match(license.version, required=must_match)
    return license, asked, now


def _check_renewal(call: Call, license: License, asked: LicensePatch, now: datetime) -> None:
    if asked.renewal is not None and asked.renewal.sku is not None:
        paid_product(_catalog(call), asked.renewal.sku, like=license, pointer="/renewal/sku", at=now)


def _check_conversion(call: Call, license: License, asked: ConversionIn, now: datetime) -> None:
    paid_product(_catalog(call), asked.sku, like=license, pointer="/sku", at=now)


def _patched(license: License, asked: LicensePatch, now: datetime) -> Change | None:
    if asked.auto_renew is not None:
        return set_auto_renew(license, asked.auto_renew, now=now)
    if asked.quantity is not None:
        return set_quantity(license, asked.quantity, assigned=license.assigned, now=now)
    wanted = asked.renewal or RenewalIn()
    change = filled_in(
        license,
        sku=wanted.sku,
        quantity=wanted.quantity,
        billing_frequency=wanted.billing_frequency,
    )
    return schedule(license, change, assigned=license.assigned, now=now)


async def _change(call: Write, license: License, change: Change | None, now: datetime) -> None:
    changed = await _made(call, license, change, now)
    call.answer(200, _shown(call, changed, now), version=changed.version)


async def _made(call: Write, license: License, change: Change | None, now: datetime) -> License:
    return await make_change(
        call.session, license, change, by=call.principal, now=now, sold_at=_catalog(call).at
    )


def _answer_new(call: Call, license: License, now: datetime) -> None:
    call.answer(
        201,
        _shown(call, license, now),
        version=license.version,
        headers={"location": f"/v1/licenses/{license.id}"},
    )


def _shown(call: Call, license: License, now: datetime) -> LicenseOut:
    return LicenseOut.of(license, now=now, held=call.principal.roles)


def _catalog(call: Call) -> Catalog:
    catalog: Catalog = call.request.app.state.catalog
    return catalog


def _license_id(request: Request) -> UUID:
    """What is no id names no license. Raises LicenseNotFound."""
    given = request.path_params["license_id"]
    try:
        return UUID(given)
    except ValueError:
        raise LicenseNotFound(given) from None
