"""A request that changes something: one transaction, with its dry run and its Idempotency-Key.

The answer is kept under the key by the transaction whose effect it tells, so both are committed or neither.
No request looks a key up in advance: the key's uniqueness stops a second effect at its commit, and whatever
goes wrong with a keyed request, the kept answer is looked for then.

The body is received before the transaction begins, so that no lock and no connection waits for a slow caller; what
it says is judged where the route asks for it.
"""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID

import asyncpg
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from shared.db import idempotency
from shared.http import etags, problems
from shared.http.call import Answer, Call, Query
from shared.http.faults import errors_of
from shared.http.problems import Refused

_Model = TypeVar("_Model", bound=BaseModel)

_KEY_LENGTH: Final = 255
BODY_LIMIT: Final = 1024 * 1024
_NOT_KEPT: Final = frozenset({401, 403, 409, 429})
"""Refusals that may be lifted by time or by somebody else, and access, which is decided anew every time."""


class DryRun(Query):
    """The query of a call that can be tried without effect."""

    dry_run: bool = False


class Write(Call):
    """A request that may change something. What the block raises leaves nothing changed."""

    def __init__(self, request: Request, limit: int) -> None:
        super().__init__(request, read_only=False)
        self._limit = limit
        self._received: bytes | None = None
        self._dry_run = False
        self._keyed: idempotency.Request | None = None

    async def now(self) -> datetime:
        return await self.served.clocks.now_for_write(self.session)

    async def now_of(self, tenant: UUID) -> datetime:
        """The present of one of the session's tenants."""
        return await self.served.clocks.now_for_write(self.session, tenant)

    async def body(
        self,
        model: type[_Model],
        *,
        optional: bool = False,
        dry_run: bool = False,
        access: Callable[[_Model], Awaitable[None]] | None = None,
    ) -> _Model:
        """The body, once the caller's access has been checked; from here on a kept answer may be given.

        `access` checks what cannot be checked before, because only the body names it; whom it refuses gets no kept
        answer. `optional`: no body counts as an empty object. `dry_run`: the call can be tried without effect.
        Raises Refused: 413, 415, 400 or 422; and what `access` does.
        """
        raw = as_json(self.request, self._raw(), optional=optional)
        self._keyed = keyed_by(self.request, raw)
        query = self.query(DryRun if dry_run else Query)
        self._dry_run = isinstance(query, DryRun) and query.dry_run
        asked = parse(raw or (b"{}" if optional else b""), model)
        if access is not None:
            keyed, self._keyed = self._keyed, None
            await access(asked)
            self._keyed = keyed
        return asked

    async def body_or_file(self, model: type[_Model]) -> _Model | bytes:
        """The same, or what was sent as application/octet-stream just as it is."""
        content_type = self.request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/octet-stream":
            return await self.body(model)
        raw = self._raw()
        self._keyed = keyed_by(self.request, raw)
        self.query(Query)
        return raw

    def match(self, version: int | None, *, required: bool = False) -> None:
        """Check If-Match; see `etags.match`."""
        etags.match(self.request, version, required=required)

    def _raw(self) -> bytes:
        return within(self._limit, self._received)

    async def __aenter__(self) -> Self:
        self._received = await receive(self.request, self._limit)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None and self._dry_run:
            await self.session.__aexit__(_Undone, _Undone(), None)
            return self._tried()
        try:
            if error is None:
                self._keep()
            await self.session.__aexit__(kind, error, trace)
        except Exception as failure:  # noqa: BLE001 -- judged in _failed
            return await self._failed(failure)
        if isinstance(error, Exception):
            return await self._failed(error)
        return False

    def _tried(self) -> bool:
        if self._answer is not None:
            self._answer = Answer(200, self._answer.body, {"content-type": "application/json"})
        return True

    def _keep(self) -> None:
        if self._keyed is not None and self._answer is not None:
            answer = self._answer
            idempotency.store(
                self.session,
                self._keyed,
                status=answer.status,
                headers=dict(answer.headers),
                body=answer.body,
            )

    async def _failed(self, error: Exception) -> bool:
        """Answer a repeated request from what was kept, any other with its problem."""
        foreseen = self._refuse(error)
        if self._keyed is None or self._dry_run:
            return self._raise_unless(foreseen, error)
        try:
            if await self._replay(self._keyed):
                return True
            if foreseen and self._answer is not None and _is_kept(self._answer.status):
                try:
                    async with self.served.database.begin(self.principal.tenant_id) as self.session:
                        self._keep()
                except asyncpg.UniqueViolationError:  # the same request was refused at the same time
                    return await self._replay(self._keyed)
        except Exception as failure:
            if not self._refuse(failure):
                raise
            return True
        return self._raise_unless(foreseen, error)

    def _raise_unless(self, foreseen: bool, error: Exception) -> bool:  # noqa: FBT001 -- a private step
        if not foreseen:
            raise error
        return True

    async def _replay(self, keyed: idempotency.Request) -> bool:
        async with self.served.database.read(self.principal.tenant_id) as session:
            kept = await idempotency.stored(session, keyed.key)
        if kept is None:
            return False
        if kept.fingerprint != keyed.fingerprint:
            self._refuse(Refused(problems.idempotency_key_reused()))
        else:
            self._answer = Answer(kept.status, kept.body, kept.headers | {"idempotency-replayed": "true"})
        return True


class _Undone(Exception):
    """Ends a dry run's transaction."""


def write(request: Request, *, limit: int = BODY_LIMIT) -> Write:
    """Answer a request in one transaction, which commits when the block ends; then ask for `response`.

    `limit`: bytes that its body may have.
    """
    return Write(request, limit)


def _is_kept(status: int) -> bool:
    return 400 <= status < 500 and status not in _NOT_KEPT


async def receive(request: Request, limit: int) -> bytes | None:
    """The body; None where it has more than `limit` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def within(limit: int, received: bytes | None) -> bytes:
    """What `receive` gave. Raises Refused (413)."""
    if received is None:
        raise Refused(problems.content_too_large(limit))
    return received


def as_json(request: Request, raw: bytes, *, optional: bool = False) -> bytes:
    """A body that says of itself that it is JSON; `optional`: or none at all. Raises Refused (415)."""
    if raw or not optional:
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise Refused(problems.unsupported_media_type("application/json"))
    return raw


def keyed_by(request: Request, body: bytes) -> idempotency.Request | None:
    """The request under its Idempotency-Key; None without one. Raises Refused (422)."""
    key = request.headers.get("idempotency-key")
    if key is None or request.method not in {"POST", "PATCH"}:
        return None
    if not 1 <= len(key) <= _KEY_LENGTH:
        raise Refused(
            problems.invalid_request(
                [{"pointer": "Idempotency-Key", "detail": f"Has to have 1 to {_KEY_LENGTH} characters."}]
            )
        )
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return idempotency.Request(key, idempotency.fingerprint(request.method, target, body))


def parse(raw: bytes, model: type[_Model]) -> _Model:
    """What a body of JSON says. Raises Refused: 400 or 422."""
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        if first["type"] == "json_invalid":
            raise Refused(problems.malformed_json(first["msg"])) from error
        try:
            json.loads(raw, parse_constant=_no_number)  # pydantic would let these pass as JSON
        except ValueError as malformed:
            raise Refused(problems.malformed_json(str(malformed))) from error
        raise Refused(problems.invalid_request(errors_of(error))) from error


def _no_number(name: str) -> None:
    raise ValueError(f"JSON has no {name}.")
