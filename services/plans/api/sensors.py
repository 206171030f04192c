"""Routes of sensors and their activation files."""

from datetime import datetime
from typing import Final
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import activation_keys, subscription_of
from services.plans.api.names import name_in, new_name_in
from services.plans.api.sensor_shapes import (
    ActivateIn,
    ActivationFileOut,
    RegisteredSensorOut,
    SensorIn,
    SensorOut,
    SensorPatch,
)
from services.plans.commands.activate_sensor import activate_sensor
from services.plans.commands.delete_sensor import delete_sensor
from services.plans.commands.issue_activation_file import issue_activation_file
from services.plans.commands.make_site import ensure_enterprise_network
from services.plans.commands.open_plan import lock_plan
from services.plans.commands.register_sensor import move_sensor, register_sensor
from services.plans.domain.errors import (
    ActivationFileExpired,
    ActivationFileRevoked,
    ActivationFileSignatureInvalid,
    ActivationFileSuperseded,
    ActivationFileWrongSensor,
    ChangePending,
    NoPlan,
    PlanCancelled,
    SensorNotFound,
    SubscriptionNotFound,
)
from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.sensor import Sensor
from services.plans.domain.site import DEFAULT_ZONE, ENTERPRISE_NETWORK, Site, is_name, is_network, name_key
from services.plans.store import notices, sensors, sites
from shared.http import problems
from shared.http.accept import preferred
from shared.http.call import Call, Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page
from shared.http.problems import Refused
from shared.http.write import Write, write

router = APIRouter(prefix="/v1/subscriptions/{subscription_id}/sensors", tags=["Plans"], route_class=Direct)
_JSON: Final = "application/json"
_FILE: Final = "application/octet-stream"
_BY_FORM: Final = {"vary": "accept"}


@router.get("", **documents(answer=Page[SensorOut], query=Paging, errors=[SubscriptionNotFound]))
async def list_sensors(request: Request) -> Response:
    """The sensors of a subscription, by name."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        asked = call.query(Paging)
        found = await sensors.page(call.session, subscription.id, after=asked.after(), most=asked.limit + 1)
        warnings = await notices.on_devices(call.session, subscription.id, {sensor.site for sensor in found})
        shown = [SensorOut.of(sensor, warnings[sensor.site]) for sensor in found]
        answer_page(call, asked, shown, key=lambda item: item.name)
    return call.response


@router.get("/{name}", **documents(answer=SensorOut, errors=[SubscriptionNotFound, SensorNotFound]))
async def get_sensor(request: Request) -> Response:
    """One sensor, and whether it has to be activated."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        name = name_in(request, SensorNotFound)
        sensor = _there(await sensors.find(call.session, subscription.id, name), name)
        call.allow(roles.VIEW, held=subscription.roles)
        call.query(Query)
        call.answer(200, await _shown(call, sensor), version=sensor.version)
    return call.response


@router.put(
    "/{name}",
    **documents(
        body=SensorIn,
        answer=RegisteredSensorOut,
        status=201,
        also={200: "It was registered already, and is so now; without an activation file."},
        if_match="honored",
        errors=[SubscriptionNotFound, NoPlan, PlanCancelled, ChangePending],
    ),
)
async def put_sensor(request: Request) -> Response:
    """Register a sensor, which answers with its activation file (B70); or change it, like PATCH."""
    async with write(request) as call:
        now = await call.now()
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(SensorIn)
        name = new_name_in(request)
        plan = await lock_plan(call.session, subscription.id)
        known = await sensors.lock(call.session, subscription.id, name)
        if known is not None and not known.deleted:
            call.match(known.version)
            await _move(call, plan, known, asked, now)
        else:
            call.match(None)
            await _register(call, plan, known, name, asked, now)
    return call.response


@router.patch(
    "/{name}",
    **documents(
        body=SensorPatch,
        answer=SensorOut,
        if_match="needed",
        errors=[SubscriptionNotFound, SensorNotFound, NoPlan, PlanCancelled],
    ),
)
async def patch_sensor(request: Request) -> Response:
    """Move a sensor, or manage it otherwise; another site or mode needs a new activation file."""
    async with write(request) as call:
        now = await call.now()
        subscription, name = await subscription_of(call), name_in(request, SensorNotFound)
        _there(await sensors.find(call.session, subscription.id, name), name)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        asked = await call.body(SensorPatch)
        plan = await lock_plan(call.session, subscription.id)
        sensor = _there(await sensors.lock(call.session, subscription.id, name), name)
        call.match(sensor.version, required=True)
        await _move(call, plan, sensor, asked, now)
    return call.response


@router.delete(
    "/{name}",
    **documents(status=204, if_match="honored", errors=[SubscriptionNotFound]),
)
async def remove_sensor(request: Request) -> Response:
    """Delete a sensor, and revoke its activation file (B78); what is not there is deleted already."""
    async with write(request) as call:
        now = await call.now()
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_PLAN, held=subscription.roles)
        call.query(Query)
        name: str = request.path_params["name"]
        sensor = await sensors.lock(call.session, subscription.id, name) if is_name(name) else None
        if sensor is not None and not sensor.deleted:
            call.match(sensor.version)
            await delete_sensor(call.session, sensor, by=call.principal.id, at=now)
        call.answer(204)
    return call.response


@router.post(
    "/{name}/activation-file",
    **documents(
        body=Nothing,
        answer=ActivationFileOut,
        forms=[_FILE],
        if_match="honored",
        errors=[SubscriptionNotFound, SensorNotFound],
    ),
)
async def new_activation_file(request: Request) -> Response:
    """A new activation file, good for 14 days (B71); it supersedes the last."""
    async with write(request) as call:
        now = await call.now()
        sensor = await _held(call)
        form = preferred(request, (_JSON, _FILE))
        await call.body(Nothing, optional=True)
        call.match(sensor.version)
        issued = issue_activation_file(
            call.session, sensor, activation_keys(call.request), by=call.principal.id, now=now
        )
        if form == _FILE:
            name = f'attachment; filename="{sensor.name}.siteward"'
            headers = {"content-disposition": name, **_BY_FORM}
            call.answer_file(issued.file.encode(), _FILE, version=sensor.version, headers=headers)
        else:
            call.answer(200, ActivationFileOut.of(issued), headers=_BY_FORM)
    return call.response


@router.post(
    "/{name}/activate",
    **documents(
        body=ActivateIn,
        answer=SensorOut,
        if_match="honored",
        errors=[
            SubscriptionNotFound,
            SensorNotFound,
            ActivationFileSignatureInvalid,
            ActivationFileWrongSensor,
            ActivationFileRevoked,
            ActivationFileSuperseded,
            ActivationFileExpired,
        ],
    ),
)
async def activate(request: Request) -> Response:
    """Activate a sensor by its newest file, sent as JSON or just as it is (application/octet-stream)."""
    async with write(request) as call:
        now = await call.now()
        sensor = await _held(call)
        asked = await call.body_or_file(ActivateIn)
        call.match(sensor.version)
        text = asked.decode("ascii", "replace") if isinstance(asked, bytes) else asked.file
        active = await activate_sensor(
            call.session, sensor, text, activation_keys(call.request), by=call.principal.id, now=now
        )
        call.answer(200, await _shown(call, active), version=active.version)
    return call.response


async def _held(call: Write) -> Sensor:
    """The sensor in the path, locked, for a caller who may change it. Raises SensorNotFound."""
    subscription, name = await subscription_of(call), name_in(call.request, SensorNotFound)
    sensor = _there(await sensors.lock(call.session, subscription.id, name), name)
    call.allow(roles.CHANGE_PLAN, held=subscription.roles)
    return sensor


async def _register(
    call: Write, plan: OtPlan, known: Sensor | None, name: str, asked: SensorIn, now: datetime
) -> None:
    if plan.pending is not None and plan.pending.kind == "cancel":
        raise ChangePending(plan.pending.kind, plan.pending.effective_at)
    type_ = asked.type or "ot"
    if type_ == "enterprise_iot":
        _check_network(asked)
        site = await ensure_enterprise_network(call.session, plan, by=call.principal.id, now=now)
    else:
        site = await _site(call, plan.subscription_id, asked.site)
    sensor, issued = await register_sensor(
        call.session,
        known,
        name,
        site,
        zone=_zone(site, asked.zone),
        type_=type_,
        management=asked.management or "cloud",
        keys=activation_keys(call.request),
        by=call.principal.id,
        now=now,
    )
    location = f"/v1/subscriptions/{plan.subscription_id}/sensors/{sensor.name}"
    shown = RegisteredSensorOut.with_file(await _shown(call, sensor), issued)
    call.answer(201, shown, version=sensor.version, headers={"location": location})


async def _move(call: Write, plan: OtPlan, sensor: Sensor, asked: SensorIn, now: datetime) -> None:
    if asked.type not in (None, sensor.type):
        raise _invalid("/type", "A sensor stays of the type that it was registered with.")
    is_iot = sensor.type == "enterprise_iot"
    if is_iot:
        _check_network(asked)
    elsewhere = asked.site is not None and name_key(asked.site) != name_key(sensor.site)
    site = await _site(call, plan.subscription_id, asked.site or sensor.site, network=is_iot)
    kept = None if elsewhere else sensor.zone
    moved = await move_sensor(
        call.session,
        sensor,
        site.name,
        _zone(site, asked.zone or kept),
        asked.management or sensor.management,
        by=call.principal.id,
        now=now,
    )
    call.answer(200, await _shown(call, moved), version=moved.version)


async def _shown(call: Call, sensor: Sensor) -> SensorOut:
    warnings = await notices.on_devices(call.session, sensor.subscription_id, [sensor.site])
    return SensorOut.of(sensor, warnings[sensor.site])


async def _site(call: Call, subscription_id: UUID, name: str | None, *, network: bool = False) -> Site:
    """Raises Refused (422)."""
    if name is None:
        raise _invalid("/site", "A site is needed.")
    site = await sites.lock(call.session, subscription_id, name)
    if site is None or not site.is_there:
        raise _invalid("/site", "The subscription has no site of this name.")
    if is_network(site.name) and not network:
        raise _invalid("/site", "This site is for Enterprise IoT sensors alone.")
    return site


def _check_network(asked: SensorIn) -> None:
    if asked.site is not None and not is_network(asked.site):
        raise _invalid("/site", f"Enterprise IoT sensors are at {ENTERPRISE_NETWORK!r} always.")


def _zone(site: Site, asked: str | None) -> str:
    """As the site spells it. Raises Refused (422)."""
    spelled = {zone.lower(): zone for zone in site.zones}
    if asked is None:
        return spelled.get(DEFAULT_ZONE.lower(), site.zones[0])
    if asked.lower() not in spelled:
        raise _invalid("/zone", f"The site has no zone of this name; it has {', '.join(site.zones)}.")
    return spelled[asked.lower()]


def _invalid(pointer: str, detail: str) -> Refused:
    return Refused(problems.invalid_request([{"pointer": pointer, "detail": detail}]))


def _there(sensor: Sensor | None, name: str) -> Sensor:
    if sensor is None or sensor.deleted:
        raise SensorNotFound(name)
    return sensor
