"""Routes of role assignments."""

from typing import Final, Literal, Self

from fastapi import APIRouter
from pydantic import ConfigDict
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_id, subscription_of
from services.plans.commands.assign_role import assign_role, remove_role
from services.plans.domain.errors import LastOwner, RoleAssignmentNotFound, SubscriptionNotFound
from services.plans.domain.subscription import Role, Subscription
from services.plans.store import role_assignments, subscriptions
from services.plans.store.role_assignments import RoleAssignment
from shared.events.wire import WireModel
from shared.http import problems
from shared.http.call import Call, Input, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, Paging, answer_page
from shared.http.problems import Refused
from shared.http.write import write

router = APIRouter(
    prefix="/v1/subscriptions/{subscription_id}/role-assignments", tags=["Plans"], route_class=Direct
)
_LONGEST: Final = 255


class RoleAssignmentIn(Input):
    model_config = ConfigDict(json_schema_extra={"examples": [{"role": "SecurityReader"}]})

    role: Literal["Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader"]


class RoleAssignmentOut(WireModel):
    principal: str
    role: Role

    @classmethod
    def of(cls, assignment: RoleAssignment) -> Self:
        return cls(principal=assignment.principal, role=assignment.role)


@router.get("", **documents(answer=Page[RoleAssignmentOut], query=Paging, errors=[SubscriptionNotFound]))
async def list_role_assignments(request: Request) -> Response:
    """Who has which role on the subscription."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.ASSIGN_ROLES, held=subscription.roles)
        asked = call.query(Paging)
        found = await role_assignments.page(
            call.session, subscription.id, after=asked.after(), most=asked.limit + 1
        )
        shown = [RoleAssignmentOut.of(one) for one in found]
        answer_page(call, asked, shown, key=lambda item: item.principal)
    return call.response


@router.get(
    "/{principal}",
    **documents(answer=RoleAssignmentOut, errors=[SubscriptionNotFound, RoleAssignmentNotFound]),
)
async def get_role_assignment(request: Request) -> Response:
    """The role of one principal."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.allow(roles.ASSIGN_ROLES, held=subscription.roles)
        call.query(Query)
        found = await _find(call, subscription, _principal(request))
        if found is None:
            raise RoleAssignmentNotFound(_principal(request))
        call.answer(200, RoleAssignmentOut.of(found), version=found.version)
    return call.response


@router.put(
    "/{principal}",
    **documents(
        body=RoleAssignmentIn,
        answer=RoleAssignmentOut,
        status=201,
        also={200: "There was a role already; it is this one now."},
        if_match="honored",
        errors=[SubscriptionNotFound, LastOwner],
    ),
)
async def put_role_assignment(request: Request) -> Response:
    """Give a principal a role on the subscription, in place of any other."""
    async with write(request) as call:
        now = await call.now()
        subscription = await _held(call)
        asked = await call.body(RoleAssignmentIn)
        principal = _principal(request)
        if not _may_be(principal):
            detail = f"A principal has 1 to {_LONGEST} characters, and no control characters."
            raise Refused(problems.invalid_request([{"pointer": "principal", "detail": detail}]))
        known = await role_assignments.find(call.session, subscription.id, principal)
        call.match(None if known is None else known.version)
        given = await assign_role(
            call.session, subscription, known, principal, asked.role, by=call.principal, now=now
        )
        call.answer(201 if known is None else 200, RoleAssignmentOut.of(given), version=given.version)
    return call.response


@router.delete(
    "/{principal}",
    **documents(status=204, if_match="honored", errors=[SubscriptionNotFound, LastOwner]),
)
async def delete_role_assignment(request: Request) -> Response:
    """Take a principal's role away; who has none has lost it already."""
    async with write(request) as call:
        now = await call.now()
        subscription = await _held(call)
        call.query(Query)
        known = await _find(call, subscription, _principal(request))
        if known is not None:
            call.match(known.version)
            await remove_role(call.session, subscription, known, by=call.principal, now=now)
        call.answer(204)
    return call.response


async def _held(call: Call) -> Subscription:
    """The subscription in the path, locked, so that its last Owner stays, for one of its Owners."""
    named = subscription_id(call)
    subscription = await subscriptions.lock(call.session, named, seen_by=call.principal)
    if subscription is None:
        raise SubscriptionNotFound(named)
    call.allow(roles.ASSIGN_ROLES, held=subscription.roles)
    return subscription


def _principal(request: Request) -> str:
    principal: str = request.path_params["principal"]
    return principal


def _may_be(principal: str) -> bool:
    return 1 <= len(principal) <= _LONGEST and principal.isprintable()


async def _find(call: Call, subscription: Subscription, principal: str) -> RoleAssignment | None:
    if not _may_be(principal):
        return None
    return await role_assignments.find(call.session, subscription.id, principal)
