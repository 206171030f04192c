"""Routes of subscriptions."""

from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from services.plans import roles
from services.plans.api.access import subscription_id, subscription_of
from services.plans.api.shapes import SubscriptionFilter, SubscriptionIn, SubscriptionOut
from services.plans.commands.link_subscription import link_subscription, rename
from services.plans.domain.errors import SubscriptionLinkedElsewhere, SubscriptionNotFound
from services.plans.domain.subscription import Subscription
from services.plans.store import subscriptions
from shared.http.call import Call, Query, read
from shared.http.documents import Direct, documents
from shared.http.pages import Page, answer_page
from shared.http.write import write

router = APIRouter(prefix="/v1/subscriptions", tags=["Plans"], route_class=Direct)


@router.put(
    "/{subscription_id}",
    **documents(
        body=SubscriptionIn,
        answer=SubscriptionOut,
        status=201,
        also={200: "It was linked already, and is called so now."},
        if_match="honored",
        errors=[SubscriptionNotFound, SubscriptionLinkedElsewhere],
    ),
)
async def link(request: Request) -> Response:
    """Link a subscription to the tenant (201, its creator becomes Owner), or rename it (200, Owner only)."""
    async with write(request) as call:
        named = subscription_id(call)
        # Asked first, for it may lock the tenant: so whoever links takes both locks in the same order.
        by, now = call.principal, await call.now()
        known = await _lock(call, named)
        name = (await call.body(SubscriptionIn)).display_name
        linked = None if known else await link_subscription(call.session, named, name, by=by, now=now)
        status = 201 if linked else 200
        if linked is None:
            # Of those who link it at once, all but one find it linked only now.
            known = known or await _lock(call, named)
            if known is None:
                raise SubscriptionNotFound(named)
            call.match(known.version)
            linked = rename(call.session, known, name, by=by, now=now)
        call.answer(status, SubscriptionOut.of(linked), version=linked.version)
    return call.response


async def _lock(call: Call, named: UUID) -> Subscription | None:
    """The subscription, if the caller has a role on it; the role has to suffice for changing it."""
    known = await subscriptions.lock(call.session, named, seen_by=call.principal)
    if known is not None:
        call.allow(roles.CHANGE_SUBSCRIPTION, held=known.roles)
    return known


@router.get("", **documents(answer=Page[SubscriptionOut], query=SubscriptionFilter))
async def list_subscriptions(request: Request) -> Response:
    """The subscriptions on which the caller has a role, or those on which they may add a plan (B27)."""
    async with read(request) as call:
        asked = call.query(SubscriptionFilter)
        eligible = asked.eligible_for == "plan"
        found = await subscriptions.page(
            call.session,
            seen_by=call.principal,
            roles=roles.CHANGE_PLAN if eligible else roles.VIEW,
            without_plan=eligible,
            after=asked.after_id(),
            most=asked.limit + 1,
        )
        answer_page(call, asked, [SubscriptionOut.of(one) for one in found], key=lambda item: str(item.id))
    return call.response


@router.get("/{subscription_id}", **documents(answer=SubscriptionOut, errors=[SubscriptionNotFound]))
async def get_subscription(request: Request) -> Response:
    """One subscription, with the caller's roles on it."""
    async with read(request) as call:
        subscription = await subscription_of(call)
        call.query(Query)
        call.answer(200, SubscriptionOut.of(subscription), version=subscription.version)
    return call.response
