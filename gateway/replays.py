"""Was this request answered before: `Idempotency-Key` for what the gateway does itself.

Kept in the memory of the process. That is enough, for what the gateway does itself can be repeated without
harm; a key only brings the same answer again.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from uuid import UUID

from gateway.exchange import Exchange, Headers
from shared.http.problems import Refused, idempotency_key_reused, invalid_request, request_in_progress

_KEPT: Final = 24 * 3600.0
_REMEMBERED: Final = 10_000
_LONGEST_KEY: Final = 255


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that may be given again."""

    status: int
    body: bytes
    headers: Headers = field(default_factory=list)


@dataclass(slots=True)
class _Kept:
    request: bytes
    until: float
    reply: Reply | None = None


class Replays:
    """The answers given under an `Idempotency-Key` in the last 24 h."""

    def __init__(self) -> None:
        self._kept: dict[tuple[UUID, bytes], _Kept] = {}

    async def answer(
        self, exchange: Exchange, tenant: UUID, body: bytes, make: Callable[[], Awaitable[Reply]]
    ) -> None:
        """Answer with what `make` makes of the request, or has made of it before under the same key.

        Raises Refused: 422 for a key of another request or of a wrong length, 409 while the first one runs,
        and whatever `make` raises, which is not kept.
        """
        key = exchange.header(b"idempotency-key")
        if key is None:
            reply = await make()
        elif not 1 <= len(key) <= _LONGEST_KEY:
            fault = {"pointer": "Idempotency-Key", "detail": "has to have 1 to 255 characters"}
            raise Refused(invalid_request([fault]))
        else:
            request = blake2b(exchange.target + b"\0" + body, digest_size=16).digest()
            kept = self._find(tenant, key)
            if kept is None:
                reply = await self._first((tenant, key), request, make)
            elif kept.request != request:
                raise Refused(idempotency_key_reused())
            elif kept.reply is None:
                raise Refused(request_in_progress())
            else:
                reply = kept.reply
                exchange.extra_headers = [*exchange.extra_headers, (b"idempotency-replayed", b"true")]
        await exchange.answer_json(reply.status, reply.body, reply.headers)

    def _find(self, tenant: UUID, key: bytes) -> _Kept | None:
        kept = self._kept.get((tenant, key))
        return kept if kept is not None and kept.until > time.monotonic() else None

    async def _first(
        self, name: tuple[UUID, bytes], request: bytes, make: Callable[[], Awaitable[Reply]]
    ) -> Reply:
        if len(self._kept) >= _REMEMBERED:
            del self._kept[next(iter(self._kept))]
        kept = self._kept[name] = _Kept(request, time.monotonic() + _KEPT)
        try:
            kept.reply = await make()
        except BaseException:
            self._kept.pop(name, None)
            raise
        return kept.reply
