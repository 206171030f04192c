"""What time is it for a sandbox, and how does it pass: `/v1/test-clock`, kept alike in both services."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from gateway import bodies
from gateway.auth import Caller
from gateway.clock_walk import Standing, Standings, walk
from gateway.exchange import Exchange
from gateway.replays import Replays, Reply
from gateway.upstream import Answer, Upstream
from shared.events.wire import Utc, UtcInput, utc_text
from shared.http.problems import Problem, Refused, forbidden, internal_error, unavailable
from shared.ids import new_id

MAY_CREATE: Final = "GlobalAdministrator"

_INTERNAL: Final = "/internal/test-clock"
_ANSWERED_WITHIN: Final = 4.0
"""Seconds after which an advance that still runs is answered with an operation."""
_NO_PROGRESS: Final = 60.0
"""Seconds without any change after which an advance is given up; a later one takes it up again."""
_SHORTEST_PAUSE: Final = 0.002
_LONGEST_PAUSE: Final = 0.01
_OPERATIONS: Final = 10_000

_log: Final = logging.getLogger(__name__)


def _fit_for_a_clock(moment: datetime) -> datetime:
    if moment.microsecond:
        raise ValueError("a clock stands at whole seconds")
    if not 2000 <= moment.year < 2200:
        raise ValueError("a clock stands in the years 2000 to 2199")
    return moment


Moment = Annotated[UtcInput, AfterValidator(_fit_for_a_clock)]


class Creation(BaseModel):
    """Where a new sandbox's clock is to stand."""

    model_config = ConfigDict(extra="forbid", strict=True)

    now: Moment


class Advancement(BaseModel):
    """Where a sandbox's clock is to move."""

    model_config = ConfigDict(extra="forbid", strict=True)

    to: Moment


class ClockOut(BaseModel):
    """A sandbox's clock; while it is `advancing`, what is due on the way is being done."""

    now: datetime
    status: Literal["ready", "advancing"]


class Trouble(BaseModel):
    """Why an operation failed."""

    code: str
    detail: str


class OperationOut(BaseModel):
    """A change that takes its time; its times are by the tenant's own clock."""

    id: str
    kind: str
    status: Literal["not_started", "running", "succeeded", "failed", "cancelled"]
    created_at: datetime
    effective_at: datetime | None
    finished_at: datetime | None
    resource: str | None
    error: Trouble | None


class _Told(BaseModel):
    """What a service says about a tenant's clock; without a `now` the tenant lives by the world's."""

    now: Utc | None
    advancing_to: Utc | None
    next_due_at: Utc | None
    sent: int
    unsent: int
    received: int | None

    def standing(self) -> Standing:
        """Raises Refused (409 NotASandbox)."""
        if self.now is None:
            raise Refused(_not_a_sandbox("The tenant lives by the world's clock."))
        return Standing(self.now, self.advancing_to, self.next_due_at, self.sent, self.unsent, self.received)


class _Restless(Exception):
    """Nothing has moved for too long."""


class _Patience:
    """The pause between two looks: short, a little longer while nothing moves, and not for ever."""

    def __init__(self) -> None:
        self._length = _SHORTEST_PAUSE
        self._moved_at = time.monotonic()

    async def __call__(self, *, moved: bool) -> None:
        now = time.monotonic()
        if moved:
            self._length, self._moved_at = _SHORTEST_PAUSE, now
        elif now - self._moved_at > _NO_PROGRESS:
            raise _Restless
        await asyncio.sleep(self._length)
        self._length = min(self._length * 1.5, _LONGEST_PAUSE)


class _ServiceClock:
    """A tenant's clock in one service, through the service's restarts."""

    def __init__(self, service: Upstream, authorization: Callable[[], bytes], pause: _Patience) -> None:
        self._service = service
        self._authorization = authorization
        self._pause = pause

    async def read(self) -> Standing:
        answer = await self._ask("GET")
        return _Told.model_validate_json(answer.body).standing()

    async def set(self, now: datetime, *, advancing_to: datetime | None) -> None:
        # A 409 says that the clock stands later already, as the next look will show.
        await self._ask("PUT", orjson.dumps({"now": now, "advancing_to": advancing_to}))

    async def _ask(self, method: str, body: bytes | None = None) -> Answer:
        while True:
            try:
                authorization = self._authorization()
                answer = await self._service.ask(method, _INTERNAL, authorization=authorization, body=body)
            except Refused:
                _log.warning("a test clock waits for %s", self._service.name)
            else:
                if answer.status in (200, 409):
                    return answer
                if answer.status < 500:
                    raise Refused(internal_error())
            await self._pause(moved=False)


@dataclass(slots=True, eq=False)
class Advance:
    """A sandbox's clock on its way."""

    tenant_id: UUID
    to: datetime
    created_at: datetime
    id: str = field(default_factory=lambda: str(new_id()))
    status: Literal["running", "succeeded", "failed"] = "running"
    trouble: str | None = None
    task: asyncio.Task[None] | None = None

    def shown(self) -> OperationOut:
        return OperationOut(
            id=self.id,
            kind="clock_advance",
            status=self.status,
            created_at=self.created_at,
            effective_at=self.to,
            finished_at=None if self.status == "running" else self.to,
            resource="/v1/test-clock",
            error=None if self.trouble is None else Trouble(code="ServiceUnavailable", detail=self.trouble),
        )


class Sandboxes:
    """The tenants with a clock of their own.

    Where each clock stands and goes is kept by the services, so that a walk that ended with this process is
    taken up by the next look or move. Only operations are kept here.
    """

    def __init__(
        self, licensing: Upstream, plans: Upstream, authorization: Callable[[Caller], bytes]
    ) -> None:
        self._licensing = licensing
        self._plans = plans
        self._authorization = authorization
        self._advances: dict[str, Advance] = {}
        self._latest: dict[UUID, Advance] = {}
        """The advance of a tenant that began last, while it runs."""
        self._replays = Replays()

    async def close(self) -> None:
        """Stop walking; the services know where each clock was going."""
        tasks = [advance.task for advance in self._latest.values() if advance.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def create(self, exchange: Exchange, caller: Caller) -> None:
        """`PUT /v1/test-clock`: made in both services; a call that got half-way is completed by repeating it."""
        if MAY_CREATE not in caller.principal.roles:
            raise Refused(forbidden([MAY_CREATE]))
        asked, _ = await bodies.read(exchange, Creation)
        licensing, plans = await self._told(caller)
        if plans.now is not None or plans.sent or plans.received:
            raise Refused(_not_a_sandbox("The tenant has a clock of its own already, or data."))
        if licensing.now is None:
            await self._make(self._licensing, asked.now, caller)
        elif licensing.now != asked.now:
            stands = utc_text(licensing.now)
            raise Refused(_not_a_sandbox(f"An earlier call got half-way: send it again with {stands}."))
        await self._make(self._plans, asked.now, caller)
        clock = ClockOut(now=asked.now, status="ready")
        await exchange.answer_json(201, _json(clock), [(b"location", b"/v1/test-clock")])

    async def show(self, exchange: Exchange, caller: Caller) -> None:
        """`GET /v1/test-clock`; takes up a walk that ended with an earlier process."""
        standings = await self._standings(caller)
        bodies.no_query(exchange)
        latest = self._latest.get(caller.principal.tenant_id)
        if latest is None and any(one.advancing_to is not None for one in standings):
            latest = self._begin(max(one.furthest for one in standings), standings, caller)
        now = min(one.now for one in standings)
        clock = ClockOut(now=now, status="ready" if latest is None else "advancing")
        await exchange.answer_resource(clock, version=int(now.timestamp()))

    async def advance(self, exchange: Exchange, caller: Caller) -> None:
        """`POST /v1/test-clock/advance`."""
        asked, body = await bodies.read(exchange, Advancement)
        tenant = caller.principal.tenant_id
        await self._replays.answer(exchange, tenant, body, lambda: self._advanced(asked.to, caller))

    async def operation(self, exchange: Exchange, caller: Caller, operation_id: str) -> bool:
        """`GET /v1/operations/{id}`; false where the operation is none of a clock's."""
        advance = self._advances.get(operation_id)
        if advance is None or advance.tenant_id != caller.principal.tenant_id:
            return False
        bodies.no_query(exchange)
        await exchange.answer_resource(advance.shown(), version=1 if advance.status == "running" else 2)
        return True

    async def _advanced(self, to: datetime, caller: Caller) -> Reply:
        advance = await self._on_the_way_to(to, caller)
        if advance.task is not None:
            await asyncio.wait({advance.task}, timeout=_ANSWERED_WITHIN)
        if advance.status == "failed":
            raise Refused(unavailable())
        if advance.status == "succeeded":
            return Reply(200, _json(ClockOut(now=to, status="ready")))
        location = f"/v1/operations/{advance.id}".encode()
        headers = [(b"operation-location", location), (b"retry-after", b"1")]
        return Reply(202, _json(advance.shown()), headers)

    async def _on_the_way_to(self, to: datetime, caller: Caller) -> Advance:
        """The advance that ends at `to`: the one that runs already, or one that begins when that has ended."""
        standings = await self._standings(caller)
        latest = self._latest.get(caller.principal.tenant_id)
        if latest is not None and latest.to == to:
            return latest
        goals = [one.furthest for one in standings]
        furthest = max(goals if latest is None else [*goals, latest.to])
        if to < furthest:
            raise Refused(_clock_moves_forward(furthest))
        return self._begin(to, standings, caller)

    def _begin(self, to: datetime, standings: Standings, caller: Caller) -> Advance:
        tenant = caller.principal.tenant_id
        before = self._latest.get(tenant)
        advance = Advance(tenant, to, created_at=min(one.now for one in standings))
        advance.task = asyncio.create_task(self._walk(advance, caller, before))
        self._latest[tenant] = self._advances[advance.id] = advance
        if len(self._advances) > _OPERATIONS:
            del self._advances[next(iter(self._advances))]
        return advance

    async def _walk(self, advance: Advance, caller: Caller, before: Advance | None) -> None:
        pause = _Patience()
        licensing, plans = (
            _ServiceClock(service, lambda: self._authorization(caller), pause)
            for service in (self._licensing, self._plans)
        )
        try:
            if before is not None and before.task is not None:
                await asyncio.wait({before.task})
            await walk((licensing, plans), advance.to, pause)
            advance.status = "succeeded"
        except _Restless:
            advance.trouble = "The tenant does not come to rest; advancing again takes it up from there."
            advance.status = "failed"
        except Exception:  # noqa: BLE001 - whatever it was, the operation shows that it failed
            _log.exception("the clock of tenant %s could not be moved", advance.tenant_id)
            advance.trouble = "The clock could not be moved; advancing again takes it up from there."
            advance.status = "failed"
        finally:
            if self._latest.get(advance.tenant_id) is advance:
                del self._latest[advance.tenant_id]

    async def _standings(self, caller: Caller) -> Standings:
        """Raises Refused: 409 NotASandbox for a tenant on the world's clock, 503."""
        licensing, plans = await self._told(caller)
        return licensing.standing(), plans.standing()

    async def _told(self, caller: Caller) -> tuple[_Told, _Told]:
        """What both services say about the caller's tenant. Raises Refused (503)."""
        licensing, plans = await asyncio.gather(
            self._tell(self._licensing, caller), self._tell(self._plans, caller)
        )
        return licensing, plans

    async def _tell(self, service: Upstream, caller: Caller) -> _Told:
        answer = await service.ask("GET", _INTERNAL, authorization=self._authorization(caller))
        if answer.status == 200:
            try:
                return _Told.model_validate_json(answer.body)
            except ValidationError:
                _log.exception("%s tells a clock as nobody understands it", service.name)
        raise Refused(unavailable())

    async def _make(self, service: Upstream, now: datetime, caller: Caller) -> None:
        body = orjson.dumps({"now": now})
        answer = await service.ask("POST", _INTERNAL, authorization=self._authorization(caller), body=body)
        if answer.status == 409:
            raise Refused(_not_a_sandbox("The tenant has a clock of its own already, or data."))
        if answer.status != 201:
            raise Refused(unavailable())


def _not_a_sandbox(detail: str) -> Problem:
    return Problem(409, "NotASandbox", "The tenant is not a sandbox that allows this", detail)


def _clock_moves_forward(furthest: datetime) -> Problem:
    stands = utc_text(furthest)
    return Problem(
        409,
        "ClockMovesForward",
        "A clock moves forward only",
        f"The clock stands at {stands} or is on its way there.",
        facts={"now": stands},
    )


def _json(content: BaseModel) -> bytes:
    return content.model_dump_json().encode()
