"""A server with the internal calls by which a service's test clocks are moved, and rows that fall due."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from joserfc.jwk import KeySet, OKPKey

from gateway.exchange import Receive, Scope, Send
from shared.identity import InternalTokens
from tests.support.gateway_system import free_port


@dataclass
class Tenant:
    """A tenant in one service."""

    now: datetime | None = None
    advancing_to: datetime | None = None
    due: list[datetime] = field(default_factory=list)
    done: list[tuple[datetime, datetime | None]] = field(default_factory=list)
    """What fell due when, and what the clock said."""
    sent: int = 0
    unsent: int = 0
    received: int = 0


class ClockService:
    """One of two services; whatever falls due in it is told to the `other`."""

    def __init__(self, name: str, key: OKPKey) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.other: ClockService = self
        self.tenants: dict[UUID, Tenant] = {}
        self.may_work = asyncio.Event()
        """While it is not set nothing due is done, as when the service's worker is down."""
        self.may_work.set()
        self.refuses_to_create = False
        self._tokens = InternalTokens(KeySet([key]))

    def tenant(self, tenant: UUID | str) -> Tenant:
        return self.tenants.setdefault(UUID(str(tenant)), Tenant())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve as an ASGI application."""
        headers = dict(scope["headers"])
        message = await receive()
        if scope["path"] != "/internal/test-clock":
            await _answer(send, 404, {"code": "NotFound"})
            return
        tenant_id = self._tokens.principal(headers[b"authorization"].decode()).tenant_id
        tenant = self.tenant(tenant_id)
        asked = {
            name: value and datetime.fromisoformat(value)
            for name, value in orjson.loads(message["body"] or b"{}").items()
        }
        if scope["method"] == "POST":
            status = self._create(tenant, asked["now"])
        elif scope["method"] == "PUT":
            status = self._move(tenant, **asked)
        else:
            status = 200
            self._work(tenant, self.other.tenant(tenant_id))
        await _answer(send, status, _told(tenant) if status < 400 else {"code": "Refused"})

    def _create(self, tenant: Tenant, now: datetime) -> int:
        if self.refuses_to_create:
            return 503
        if tenant.now is not None or tenant.sent:
            return 409
        tenant.now = now
        return 201

    @staticmethod
    def _move(tenant: Tenant, now: datetime, advancing_to: datetime | None) -> int:
        if tenant.now is None or now < tenant.now:
            return 409
        tenant.now, tenant.advancing_to = now, advancing_to
        return 200

    def _work(self, tenant: Tenant, elsewhere: Tenant) -> None:
        """One step of a worker: what is due, or what was not sent yet."""
        if not self.may_work.is_set() or tenant.now is None:
            return
        if tenant.due and min(tenant.due) <= tenant.now:
            due = min(tenant.due)
            tenant.due.remove(due)
            tenant.done.append((due, tenant.now))
            tenant.sent += 1
            tenant.unsent += 1
        elif tenant.unsent:
            tenant.unsent -= 1
            elsewhere.received += 1


def _told(tenant: Tenant) -> dict[str, Any]:
    return {
        "now": tenant.now,
        "advancing_to": tenant.advancing_to,
        "next_due_at": min(tenant.due, default=None),
        "sent": tenant.sent,
        "unsent": tenant.unsent,
        "received": tenant.received,
    }


async def _answer(send: Send, status: int, document: dict[str, Any]) -> None:
    body = orjson.dumps(document)
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
