"""Routes of sites."""

from dataclasses import replace
from datetime import datetime
from typing import Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_of
from services.plans.api.names import bad_name, name_in, new_name_in
from services.plans.api.site_shapes import SiteFields, SiteIn, SiteOut, SitePatch
from services.plans.commands.change_site import change_site
from services.plans.commands.delete_site import delete_site
from services.plans.commands.make_site import a_site, make_site
from services.plans.commands.open_plan import lock_plan
from services.plans.domain.errors import (
    NoPlan,
    PlanCancelled,
    SensorsStillRegistered,
    SiteNotFound,
    SiteSizeNotApplicable,
    SiteSizeNotLicensed,
    SubscriptionNotFound,
)
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.site import DEFAULT_ZONE, Site, is_name, is_network, name_key
from services.plans.store import device_counts, holdings, sites
from shared.http import problems
from shared.http.call import Call, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page, not_a_cursor
from shared.http.problems import Refused
from shared.http.write import write

router = APIRouter(prefix="/v1/subscriptions/{subscription_id}/sites", tags=["Plans"], route_class=Direct)
_CHANGING: Final = (
    SubscriptionNotFound,
    NoPlan,
    PlanCancelled,
    SiteSizeNotApplicable,
    SiteSizeNotLicensed,
    SensorsStillRegistered,
)


@router.get("", **documents(answer=Page[SiteOut], query=Paging, errors=[SubscriptionNotFound]))
async def list_sites(request: Request) -> Response:
    """The sites of a subscription, by name."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        asked = call.query(Paging)
        after = asked.after()
        if after is not None and not is_name(after):
            raise not_a_cursor()
        found = await sites.page(call.session, subscription.id, after=after, most=asked.limit + 1)
        counts = await device_counts.of_sites(call.session, [site.id for site in found], now=await call.now())
        shown = [SiteOut.of(site, devices=counts.get(site.id, 0)) for site in found]
        answer_page(call, asked, shown, key=lambda item: item.name)
    return call.response


@router.get("/{name}", **documents(answer=SiteOut, errors=[SubscriptionNotFound, SiteNotFound]))
async def get_site(request: Request) -> Response:
    """One site, with the devices detected there and whether the service covers it."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        name = name_in(request, SiteNotFound)
        site = _there(await sites.find(call.session, subscription.id, name), name)
        call.allow(roles.VIEW, held=subscription.roles)
        call.query(Query)
        await _answer(call, site, 200, await call.now())
    return call.response


@router.put(
    "/{name}",
    **documents(
        body=SiteIn,
        answer=SiteOut,
        status=201,
        also={200: "It was there already, and is so now."},
        if_match="honored",
        errors=_CHANGING,
    ),
)
async def put_site(request: Request) -> Response:
    """Make a site, of a size that a license in use has room for (B66, B67); or change it, like PATCH."""
    async with write(request) as call:
        now = await call.now()
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(SiteIn)
        name = _new_name(request)
        await holdings.lock(call.session, [call.principal.tenant_id])
        plan = await lock_plan(call.session, subscription.id)
        _check_size(plan, asked, needed=True)
        known = await sites.lock(call.session, subscription.id, name)
        if known is not None and known.is_there:
            call.match(known.version)
            await _answer(call, await _change(call, known, asked, asked.display_name, now), 200, now)
        else:
            call.match(None)
            wanted = a_site(
                plan,
                name,
                display_name=asked.display_name,
                site_size=asked.site_size,
                tags=asked.tags or {},
                owners=tuple(asked.owners or ()),
                zones=tuple(asked.zones or (DEFAULT_ZONE,)),
                now=now,
            )
            made = await make_site(call.session, plan, wanted, by=call.principal.id, now=now)
            await _answer(call, made, 201, now)
    return call.response


@router.patch(
    "/{name}",
    **documents(body=SitePatch, answer=SiteOut, if_match="needed", errors=(*_CHANGING, SiteNotFound)),
)
async def patch_site(request: Request) -> Response:
    """Change a site; another size needs a license of that size with room (B69)."""
    async with write(request) as call:
        now = await call.now()
        subscription = await subscription_of(call)
        name = name_in(request, SiteNotFound)
        _there(await sites.find(call.session, subscription.id, name), name)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(SitePatch)
        _new_name(request)
        await holdings.lock(call.session, [call.principal.tenant_id])
        plan = await lock_plan(call.session, subscription.id)
        _check_size(plan, asked, needed=False)
        site = _there(await sites.lock(call.session, subscription.id, name), name)
        call.match(site.version, required=True)
        await _answer(call, await _change(call, site, asked, asked.display_name, now), 200, now)
    return call.response


@router.delete(
    "/{name}",
    **documents(
        status=204, if_match="honored", errors=[SubscriptionNotFound, SiteNotFound, SensorsStillRegistered]
    ),
)
async def remove_site(request: Request) -> Response:
    """Delete a site that has no sensors (204, also where there is none); its license goes to who waits for one."""
    async with write(request) as call:
        now = await call.now()
        subscription = await subscription_of(call)
        name = name_in(request, SiteNotFound)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        call.query(Query)
        await holdings.lock(call.session, [call.principal.tenant_id])
        site = await sites.lock(call.session, subscription.id, name)
        if site is not None and site.is_there:
            call.match(site.version)
            if left := await sites.sensors_at(call.session, site):
                raise SensorsStillRegistered([sensor for sensor, _ in left], f"Site {site.name!r}")
            await delete_site(call.session, site, by=call.principal.id, now=now)
        call.answer(204)
    return call.response


async def _change(call: Call, site: Site, asked: SiteFields, display_name: str | None, now: datetime) -> Site:
    if asked.zones is not None:
        await _check_zones(call, site, asked.zones)
    wanted = replace(
        site,
        display_name=display_name or site.display_name,
        site_size=asked.site_size or site.site_size,
        tags=site.tags if asked.tags is None else asked.tags,
        owners=site.owners if asked.owners is None else tuple(asked.owners),
        zones=site.zones if asked.zones is None else tuple(asked.zones),
    )
    return await change_site(call.session, site, wanted, by=call.principal.id, now=now)


async def _check_zones(call: Call, site: Site, zones: list[str]) -> None:
    """Raises SensorsStillRegistered where a sensor is in a zone that would be none any more."""
    kept = {name_key(zone) for zone in zones}
    if {name_key(zone) for zone in site.zones} <= kept:
        return
    left = [name for name, zone in await sites.sensors_at(call.session, site) if name_key(zone) not in kept]
    if left:
        raise SensorsStillRegistered(left, f"A zone of site {site.name!r} that would go")


def _check_size(plan: OtPlan, asked: SiteFields, *, needed: bool) -> None:
    """Raises SiteSizeNotApplicable, or Refused (422) where a size is needed or null is given for one."""
    if plan.legacy:
        if asked.site_size is not None:
            raise SiteSizeNotApplicable
    elif asked.site_size is None and (needed or "site_size" in asked.model_fields_set):
        detail = "A size is needed, for the plan follows site licenses."
        raise Refused(problems.invalid_request([{"pointer": "/site_size", "detail": detail}]))


async def _answer(call: Call, site: Site, status: int, now: datetime) -> None:
    await call.session.flush()
    counts = await device_counts.of_sites(call.session, [site.id], now=now)
    shown = SiteOut.of(site, devices=counts.get(site.id, 0))
    call.answer(status, shown, version=site.version)


def _new_name(request: Request) -> str:
    """The name of a site that a caller may make or change. Raises Refused (422)."""
    name = new_name_in(request)
    if is_network(name):
        raise bad_name("This site belongs to the system, which puts Enterprise IoT sensors there.")
    return name


def _there(site: Site | None, name: str) -> Site:
    if site is None or not site.is_there:
        raise SiteNotFound(name)
    return site
