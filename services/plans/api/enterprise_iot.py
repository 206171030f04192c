"""Routes of Enterprise IoT."""

from typing import Self

from fastapi import APIRouter
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.accepted import accepted
from services.plans.api.access import subscription_of
from services.plans.commands import enterprise_iot as commands
from services.plans.domain.enterprise_iot import estimate
from services.plans.domain.errors import (
    ChangePending,
    EnterpriseIotLicenseActive,
    NoEnterpriseIotLicense,
    SubscriptionNotFound,
)
from services.plans.events import enterprise_iot_state
from services.plans.store import enterprise_iot
from shared.events.state import EnterpriseIotState
from shared.events.wire import WireModel
from shared.http.call import Nothing, Query, read
from shared.http.documents import Direct, documents
from shared.http.write import write

router = APIRouter(prefix="/v1", tags=["Plans"], route_class=Direct)

_PATH = "/subscriptions/{subscription_id}/enterprise-iot"
_MOST = 1_000_000_000


class EstimateFilter(Query):
    devices: int = Field(ge=0, le=_MOST)
    """In the network, without computers and phones."""
    seats: int = Field(ge=0, le=_MOST)
    """Of a suite license that covers five devices each."""


class EstimateOut(WireModel):
    devices: int
    covered_by_seats: int
    licenses_needed: int

    @classmethod
    def of(cls, asked: EstimateFilter) -> Self:
        found = estimate(asked.devices, asked.seats)
        return cls(
            devices=found.devices,
            covered_by_seats=found.covered_by_seats,
            licenses_needed=found.licenses_needed,
        )


@router.put(
    _PATH,
    **documents(
        body=Nothing,
        answer=EnterpriseIotState,
        status=201,
        also={200: "It is on already."},
        if_match="honored",
        errors=[SubscriptionNotFound, ChangePending, NoEnterpriseIotLicense],
    ),
)
async def turn_on(request: Request) -> Response:
    """Turn Enterprise IoT on for a subscription (201); where it is on already, nothing changes (200).

    While its end is pending it is refused (409), for it would go off all the same.
    """
    async with write(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_ENTERPRISE_IOT, held=subscription.roles)
        await call.body(Nothing)
        now = await call.now()
        before, held = await commands.lock(call.session, subscription.id, now)
        call.match(before.version)
        after = commands.turn_on(call.session, before, held, by=call.principal, now=now)
        status = 200 if after is before else 201
        call.answer(status, enterprise_iot_state(after), version=after.version)
    return call.response


@router.get(_PATH, **documents(answer=EnterpriseIotState, errors=[SubscriptionNotFound]))
async def get_enterprise_iot(request: Request) -> Response:
    """Whether Enterprise IoT is on for a subscription; `off` where it never was."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.VIEW, held=subscription.roles)
        call.query(Query)
        found = await enterprise_iot.get(call.session, subscription.id)
        call.answer(200, enterprise_iot_state(found), version=found.version)
    return call.response


@router.delete(
    _PATH,
    **documents(
        answer=EnterpriseIotState,
        status=202,  # bought in the legacy way, so that it ends in an hour
        also={204: "It is off."},
        if_match="honored",
        errors=[SubscriptionNotFound, EnterpriseIotLicenseActive],
    ),
)
async def turn_off(request: Request) -> Response:
    """Turn Enterprise IoT off: at once (204), or in an hour if it was bought in the legacy way (202)."""
    async with write(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.CHANGE_ENTERPRISE_IOT, held=subscription.roles)
        call.query(Query)
        now = await call.now()
        before, held = await commands.lock(call.session, subscription.id, now)
        call.match(before.version)
        after = commands.cancel(call.session, before, held, by=call.principal, now=now)
        if after.operation_id is None or after.due_at is None:
            call.answer(204)
        else:
            headers = accepted(after.operation_id, effective_at=after.due_at, now=now)
            call.answer(202, enterprise_iot_state(after), version=after.version, headers=headers)
    return call.response


@router.get("/enterprise-iot/estimate", **documents(answer=EstimateOut, query=EstimateFilter))
async def get_estimate(request: Request) -> Response:
    """How many licenses for Enterprise IoT some devices need, given the seats that cover five each (B49)."""
    async with read(request) as call:
        call.answer(200, EstimateOut.of(call.query(EstimateFilter)), version=1)
    return call.response
