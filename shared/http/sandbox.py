"""A service's side of the test clock: the gateway, which alone speaks to all services, moves the clock.

A tenant is quiet once each service has sent all its events and applied all of the other's. How many there are
needs no counter: every version of an aggregate has exactly one event, so the sum of versions counts them.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from shared.db import sandbox
from shared.db.database import Session
from shared.events.wire import Utc, WireModel
from shared.http.call import Call, Input, read
from shared.http.documents import Direct
from shared.http.problems import Problem, Refused
from shared.http.write import write


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one tenant: events this service has committed, those of the others it has applied, and what is due next."""

    sent: int
    received: int | None
    """None: the service follows no events of others."""
    next_due_at: datetime | None


ProgressOf = Callable[[Session], Awaitable[Progress]]


class ClockOut(WireModel):
    now: Utc | None
    """Null: the tenant lives by the world's clock."""
    advancing_to: Utc | None
    next_due_at: Utc | None
    sent: int
    unsent: int
    received: int | None


class ClockIn(Input):
    now: Utc
    advancing_to: Utc | None = None


def sandbox_routes(progress_of: ProgressOf) -> APIRouter:
    """The internal routes by which the gateway makes, moves and watches a tenant's clock."""
    router = APIRouter(prefix="/internal/test-clock", route_class=Direct, include_in_schema=False)

    @router.get("")
    async def get_clock(request: Request) -> Response:
        async with read(request) as call:
            await _tell(call, progress_of, 200)
        return call.response

    @router.post("")
    async def make_clock(request: Request) -> Response:
        async with write(request) as call:
            asked = await call.body(ClockIn)
            if not await sandbox.create(call.session, asked.now):
                raise Refused(_NOT_A_SANDBOX)
            await _tell(call, progress_of, 201)
        return call.response

    @router.put("")
    async def move_clock(request: Request) -> Response:
        async with write(request) as call:
            asked = await call.body(ClockIn)
            if not await sandbox.move(call.session, asked.now, advancing_to=asked.advancing_to):
                raise Refused(_MOVES_FORWARD)
            await _tell(call, progress_of, 200)
        return call.response

    return router


async def _tell(call: Call, progress_of: ProgressOf, status: int) -> None:
    clock = await sandbox.state(call.session)
    progress = await progress_of(call.session)
    call.answer(
        status,
        ClockOut(
            now=clock.now if clock else None,
            advancing_to=clock.advancing_to if clock else None,
            next_due_at=progress.next_due_at,
            sent=progress.sent,
            unsent=clock.unsent if clock else 0,
            received=progress.received,
        ),
    )


_NOT_A_SANDBOX = Problem(
    409,
    "NotASandbox",
    "The tenant has no clock of its own",
    "A test clock has to be made before anything else of the tenant.",
)
_MOVES_FORWARD = Problem(
    409,
    "ClockMovesForward",
    "A clock moves forward only",
    "The tenant's clock stands later than that, or the tenant has none.",
)
