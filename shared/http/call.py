"""One request to a service: who asks, with what, and the answer being prepared.

A route names the checks in the one order of all routes: who is calling, whether the resource exists for them,
whether their role suffices, what they sent, whether they saw the latest version. Whatever a check or a rule raises
becomes the answer.
"""

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeVar, get_args

import asyncpg
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator
from starlette.requests import Request
from starlette.responses import Response

from shared import tracing
from shared.db.database import Database, Session
from shared.db.sandbox import Clocks
from shared.db.unreachable import UNREACHABLE
from shared.http import problems
from shared.http.etags import etag_of, etag_of_bytes, unchanged
from shared.http.faults import errors_of
from shared.http.problems import Problem, Refused
from shared.identity import InternalTokens, NotAuthenticated, Principal

_log: Final = logging.getLogger(__name__)
_Model = TypeVar("_Model", bound=BaseModel)

_BUSY: Final = (asyncpg.LockNotAvailableError, asyncpg.TransactionRollbackError)


@dataclass(frozen=True, slots=True)
class Served:
    """What the routes of one service share."""

    database: Database
    tokens: InternalTokens
    clocks: Clocks
    problem_of: Callable[[Exception], Problem | None]
    """The problem that an error of the service's own stands for; None for one that it does not know."""


class Input(BaseModel):
    """What a caller sends: nothing unknown, and every field of the very type that is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


def not_null(given: object) -> object:
    """For fields whose default is None. Raises ValueError for a null that was sent."""
    if given is None:
        raise ValueError("cannot be null; leave it out to leave it as it is")
    return given


class Partial(Input):
    """What is left out stays as it is, or gets its default; null is no way to say so."""

    _something = field_validator("*", mode="before")(not_null)


class Query(BaseModel):
    """Query parameters: text by nature, so converted; nothing unknown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _as_it_is_written(cls, given: object, known: ValidationInfo) -> object:
        # Left alone, pydantic would take "1_0", "+5", "5.0" and " 5 " for integers, and "no", "off" and "0" for false.
        wanted = cls.model_fields[str(known.field_name)].annotation
        kinds = (wanted, *get_args(wanted))
        if int in kinds and isinstance(given, str) and not re.fullmatch("-?[0-9]+", given):
            raise ValueError("A whole number is written in digits alone, such as 50.")
        if bool in kinds and given not in {"true", "false"}:
            raise ValueError("Either true or false.")
        return given


class Nothing(Input):
    """No fields at all."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    headers: Mapping[str, str]


class Call:
    """A request being answered; see `read` and `write` for the two kinds."""

    def __init__(self, request: Request, *, read_only: bool) -> None:
        self.request = request
        self.served: Served = request.app.state.served
        self.principal: Principal = request.scope["principal"]
        database = self.served.database
        self.session: Session = (
            database.read(self.principal.tenant_id) if read_only else database.begin(self.principal.tenant_id)
        )
        self._answer: Answer | None = None

    async def now(self) -> datetime:
        """The tenant's present, aware UTC."""
        raise NotImplementedError  # the two kinds of call differ in what they may write

    def allow(self, roles: Sequence[str], *, held: Collection[str] | None = None) -> None:
        """Let the caller go on if one of `roles` is held; `held` is the caller's directory roles unless given.

        Raises Refused (403), naming the roles that would have sufficed.
        """
        problem = problems.role_refusal(roles, self.principal.roles if held is None else held)
        if problem is not None:
            raise Refused(problem)

    def query(self, model: type[_Model]) -> _Model:
        """The query parameters. Raises Refused (422)."""
        return _read_query(self.request, model)

    def answer(
        self,
        status: int,
        content: BaseModel | None = None,
        *,
        version: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Prepare the answer; with the `version` of a single resource comes its ETag."""
        body = b"" if content is None else content.model_dump_json().encode()
        own = dict(headers or {})
        if content is not None:
            own["content-type"] = "application/json"
            if version is not None:
                own["etag"] = etag_of(version, content, body)
        self._answer = Answer(status, body, own)

    def answer_file(
        self, content: bytes, media_type: str, *, version: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """Prepare an answer that is no JSON: another form of a single resource, with an ETag of its own."""
        own = {"content-type": media_type, "etag": etag_of_bytes(version, content), **(headers or {})}
        self._answer = Answer(200, content, own)

    @property
    def response(self) -> Response:
        """The answer, ready to be sent; asked for after the block has ended."""
        answer = self._answer
        if answer is None:
            raise RuntimeError("The route has prepared no answer.")
        if answer.status == 200 and unchanged(self.request, answer.headers.get("etag")):
            return Response(status_code=304, headers={"etag": answer.headers["etag"]})
        return Response(answer.body, answer.status, answer.headers)

    def _refuse(self, error: Exception) -> bool:
        """Make the error the answer; false for one that nobody foresaw."""
        problem = _problem_of(error, self.served)
        if problem is None:
            return False
        self._answer = _refusal(problem, self.request)
        return True


class Read(Call):
    """A request that only reads."""

    def __init__(self, request: Request) -> None:
        super().__init__(request, read_only=True)

    async def now(self) -> datetime:
        return await self.served.clocks.now(self.session)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        try:
            await self.session.__aexit__(kind, error, trace)
        except Exception as failure:
            if self._refuse(failure):
                return True
            raise
        return isinstance(error, Exception) and self._refuse(error)


def read(request: Request) -> Read:
    """Answer a request from one view of the data, in which PostgreSQL refuses to write."""
    return Read(request)


def refusal_response(problem: Problem, request: Request) -> Response:
    answer = _refusal(problem, request)
    return Response(answer.body, answer.status, answer.headers)


def _refusal(problem: Problem, request: Request) -> Answer:
    body = problem.document(instance=request.url.path, request_id=tracing.request_id.get() or "")
    return Answer(problem.status, body, {"content-type": problems.MEDIA_TYPE, **problem.headers})


def _problem_of(error: Exception, served: Served) -> Problem | None:
    if isinstance(error, Refused):
        return error.problem
    if isinstance(error, NotAuthenticated):
        return problems.unauthorized(str(error))
    if (problem := served.problem_of(error)) is not None:
        return problem
    if isinstance(error, _BUSY):
        return problems.request_in_progress()
    if isinstance(error, UNREACHABLE):
        _log.warning("a part cannot be reached, or not in time: %r", error)
        return problems.unavailable()
    return None


def _read_query(request: Request, model: type[_Model]) -> _Model:
    pairs = request.query_params.multi_items()
    names = [name for name, _ in pairs]
    unusable = {name: "Given twice." for name in names if names.count(name) > 1}
    unusable |= {name: "May not contain U+0000." for name, value in pairs if "\x00" in value}
    if unusable:
        errors = [{"pointer": name, "detail": detail} for name, detail in unusable.items()]
        raise Refused(problems.invalid_request(errors))
    try:
        return model.model_validate(dict(pairs), context=request)
    except ValidationError as error:
        raise Refused(problems.invalid_request(errors_of(error, _parameter))) from error


def _parameter(place: tuple[int | str, ...]) -> str:
    return str(place[0])
