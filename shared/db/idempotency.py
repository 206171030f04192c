"""Answers kept under the caller's Idempotency-Key, so that a repeated request takes effect once."""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import orjson
from sqlalchemy import bindparam, select

from shared.db.database import Session
from shared.db.statement import Statement
from shared.db.tables import idempotency

CONSTRAINT: Final = "idempotency_pkey"
"""What PostgreSQL names when a key is used a second time."""
KEPT: Final = timedelta(hours=48)
"""How long an answer can be asked for again; at least 24 h are promised."""

_STORED: Final = Statement(
    select(idempotency.c.fingerprint, idempotency.c.status, idempotency.c.headers, idempotency.c.body).where(
        idempotency.c.tenant_id == bindparam("tenant"), idempotency.c.key == bindparam("key")
    )
)


@dataclass(frozen=True, slots=True)
class Request:
    """A keyed request: the same key with another fingerprint is another request."""

    key: str
    fingerprint: bytes


@dataclass(frozen=True, slots=True)
class StoredAnswer:
    fingerprint: bytes
    status: int
    headers: dict[str, str]
    body: bytes


def fingerprint(method: str, target: str, body: bytes) -> bytes:
    """What makes two requests the same: method, path with query, and the body's content.

    JSON is compared by what it says, not by how it is spaced or ordered.
    """
    with suppress(orjson.JSONDecodeError, orjson.JSONEncodeError):  # what nests too deep cannot be written
        body = orjson.dumps(orjson.loads(body), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(b"\n".join((method.encode(), target.encode(), body))).digest()


def store(session: Session, request: Request, *, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep the answer, in the transaction of what it answers."""
    session.writes.insert(
        idempotency,
        tenant_id=session.tenant_id,
        key=request.key,
        fingerprint=request.fingerprint,
        status=status,
        headers=headers,
        body=body,
    )


async def stored(session: Session, key: str) -> StoredAnswer | None:
    row = await session.row(_STORED, tenant=session.tenant_id, key=key)
    return None if row is None else StoredAnswer(**row)
