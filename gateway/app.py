"""The one REST surface: who is calling, how much may they, which part answers."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, Self, TypeAlias, TypeVar

import aiohttp

import shared.events
from gateway import bodies, dev_issuer
from gateway.auth import Caller, Callers, FixedKey, Keys, PublishedKeys
from gateway.docs_page import page
from gateway.exchange import ClientGone, Exchange, Headers, Receive, Scope, Send
from gateway.limits import RateLimit, RateLimited
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.openapi import ApiDocument
from gateway.routing import LICENSING, PLANS, PUBLIC_KEYS, RouteNames, service_for
from gateway.settings import GatewaySettings
from gateway.test_clock import Sandboxes
from gateway.upstream import Upstream
from shared import tracing
from shared.http.problems import Refused, internal_error, method_not_allowed, not_found, unavailable

_API_DOCUMENT: Final = "/v1/openapi.json"
_OPERATIONS: Final = "/v1/operations/"
_SLOW: Final = 1.0
"""Seconds from which on a request is worth a line in the log."""
_READY_WITHIN: Final = 2.0
"""Seconds that the services have to say that they are ready."""
_HERE: Final = "gateway"
_OTHER: Final = "other"
_ASYNCAPI: Final = Path(shared.events.__path__[0]) / "asyncapi.yaml"
_HTML: Final = [
    (b"content-type", b"text/html; charset=utf-8"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'"),
]

Open: TypeAlias = Callable[[Exchange], Awaitable[None]]
Guarded: TypeAlias = Callable[[Exchange, Caller], Awaitable[None]]
_Handler = TypeVar("_Handler")

_log: Final = logging.getLogger(__name__)


class Gateway:
    """The ASGI application; serves while it is entered as a context."""

    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._signing_key = dev_issuer.read_key(settings.internal_signing_key)
        self._dev_key = dev_issuer.read_key(settings.dev_issuer_key) if settings.dev_issuer_key else None
        self._metrics = Metrics()
        self._routes = RouteNames()
        seconds = settings.rate_limit_window
        self._per_token = RateLimit("token", quota=settings.rate_limit_per_token, seconds=seconds)
        self._per_tenant = RateLimit("tenant", quota=settings.rate_limit_per_tenant, seconds=seconds)
        self._per_address = RateLimit("address", quota=settings.rate_limit_per_address, seconds=seconds)
        self._policy = _listed(self._per_token.policy, self._per_tenant.policy)
        self._upstreams = {
            name: Upstream(name, url, patience=settings.upstream_patience, silence=settings.upstream_timeout)
            for name, url in ((LICENSING, settings.licensing_url), (PLANS, settings.plans_url))
        }
        self._api = ApiDocument(
            self._upstreams.values(),
            dev_issuer=self._dev_key is not None,
            test_clocks=settings.test_clocks,
        )
        self._sandboxes = Sandboxes(self._upstreams[LICENSING], self._upstreams[PLANS], self._internal)
        self._open: dict[str, Mapping[str, Open]] = {
            _API_DOCUMENT: {"GET": self._api_document},
            "/asyncapi.yaml": {"GET": self._asyncapi},
            "/docs": {"GET": self._docs},
            "/livez": {"GET": self._livez},
            "/metrics": {"GET": self._exposition},
            "/readyz": {"GET": self._readyz},
        }
        self._guarded: dict[str, Mapping[str, Guarded]] = {}
        if self._dev_key is not None:
            self._open["/dev/tokens"] = {"POST": self._dev_token}
        if settings.test_clocks:
            self._guarded["/v1/test-clock"] = {"GET": self._sandboxes.show, "PUT": self._sandboxes.create}
            self._guarded["/v1/test-clock/advance"] = {"POST": self._sandboxes.advance}

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession()
        self._callers = Callers(self._issuers(self._session), audience=self._settings.audience)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._sandboxes.close()
        for upstream in self._upstreams.values():
            upstream.close()
        await self._session.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._exchange(Exchange(scope, receive, send))

    def _issuers(self, session: aiohttp.ClientSession) -> dict[str, Keys]:
        issuers: dict[str, Keys] = {}
        if self._settings.issuer is not None and self._settings.jwks_url is not None:
            issuers[self._settings.issuer] = PublishedKeys(self._settings.jwks_url, session)
        if self._dev_key is not None:
            issuers[dev_issuer.ISSUER] = FixedKey(self._dev_key)
            _log.warning(
                "THE DEVELOPMENT ISSUER IS ON: whoever reaches this gateway gets a token for any tenant and role "
                "at POST /dev/tokens. Unset SITEWARD_DEV_ISSUER_KEY anywhere but on a developer's machine."
            )
        return issuers

    async def _exchange(self, exchange: Exchange) -> None:
        """Answer one request, whatever happens, and count it."""
        started = time.perf_counter()
        try:
            part = await self._answer(exchange)
        except Refused as refused:
            part = service_for(exchange.path) or _HERE
            if not exchange.status:
                await exchange.refuse(refused.problem)
        except ClientGone:
            return
        except Exception:  # noqa: BLE001 - whatever it was, the caller gets a problem document
            part = service_for(exchange.path) or _HERE
            tracing.request_id.set(exchange.request_id.decode())
            _log.exception("%s %s failed", exchange.method, exchange.path)
            if not exchange.status:
                await exchange.refuse(internal_error())
        self._count(exchange, part, time.perf_counter() - started)

    def _count(self, exchange: Exchange, part: str, seconds: float) -> None:
        known = part != _HERE or exchange.path in self._open or exchange.path in self._guarded
        route = self._routes.of(exchange.path, answered=exchange.status < 400) if known else _OTHER
        self._metrics.count(part, route, exchange.method, exchange.status, seconds)
        if seconds >= _SLOW or exchange.status >= 500:
            tracing.request_id.set(exchange.request_id.decode())
            _log.warning("%s %s: %d after %.3f s", exchange.method, route, exchange.status, seconds)

    async def _answer(self, exchange: Exchange) -> str:
        """Answer; says which part did. Raises Refused, ClientGone."""
        path = exchange.path
        if not path.startswith("/v1/") or path == _API_DOCUMENT:
            if path == PUBLIC_KEYS:
                await self._upstreams[PLANS].forward(exchange, b"")
                return PLANS
            await _method(self._open.get(path), exchange)(exchange)
            return _HERE
        caller = await self._admitted(exchange)
        if path in self._guarded:
            await _method(self._guarded[path], exchange)(exchange, caller)
            return _HERE
        if path.startswith(_OPERATIONS) and exchange.method in ("GET", "HEAD"):
            found = await self._sandboxes.operation(exchange, caller, path.removeprefix(_OPERATIONS))
            if found:
                return _HERE
        service = service_for(path)
        if service is None:
            raise Refused(not_found())
        await self._upstreams[service].forward(exchange, self._internal(caller))
        return service

    async def _admitted(self, exchange: Exchange) -> Caller:
        """Who is calling. Raises Refused: 401, 429, 503 while the issuer's keys can't be had."""
        now = time.monotonic()
        try:
            try:
                caller = await self._callers.identify(exchange.authorization)
            except Refused:
                used = self._per_address.count(exchange.client_address, now)
                exchange.extra_headers = _limits(used, self._per_address.policy)
                raise
            token = self._per_token.count(caller, now)
            tenant = self._per_tenant.count(caller.principal.tenant_id, now)
        except RateLimited as limited:
            exchange.extra_headers = _limits(limited.item, limited.policy)
            raise
        exchange.extra_headers = _limits(_listed(token, tenant), self._policy)
        return caller

    def _internal(self, caller: Caller) -> bytes:
        return caller.authorization(self._signing_key, time.time())

    async def _livez(self, exchange: Exchange) -> None:
        await exchange.answer_json(200, b'{"status":"alive"}')

    async def _readyz(self, exchange: Exchange) -> None:
        ready = await asyncio.gather(*(_is_ready(one) for one in self._upstreams.values()))
        if not all(ready):
            raise Refused(unavailable())
        await exchange.answer_json(200, b'{"status":"ready"}')

    async def _exposition(self, exchange: Exchange) -> None:
        await exchange.answer(200, [(b"content-type", CONTENT_TYPE.encode())], self._metrics.exposition())

    async def _api_document(self, exchange: Exchange) -> None:
        await exchange.answer_json(200, await self._api.body())

    async def _docs(self, exchange: Exchange) -> None:
        await exchange.answer(200, _HTML, page(await self._api.document()))

    async def _asyncapi(self, exchange: Exchange) -> None:
        if not _ASYNCAPI.exists():
            raise Refused(not_found())
        await exchange.answer(200, [(b"content-type", b"application/yaml")], _ASYNCAPI.read_bytes())

    async def _dev_token(self, exchange: Exchange) -> None:
        if self._dev_key is None:
            raise Refused(not_found())
        request, _ = await bodies.read(exchange, dev_issuer.TokenRequest)
        token = dev_issuer.issue(request, self._dev_key, audience=self._settings.audience)
        await exchange.answer_json(200, token, [(b"cache-control", b"no-store")])


def _method(handlers: Mapping[str, _Handler] | None, exchange: Exchange) -> _Handler:
    """The one of an address's handlers that the request means. Raises Refused (404, 405)."""
    if handlers is None:
        raise Refused(not_found())
    handler = handlers.get("GET" if exchange.method == "HEAD" else exchange.method)
    if handler is None:
        raise Refused(method_not_allowed(", ".join(handlers)))
    return handler


async def _is_ready(upstream: Upstream) -> bool:
    try:
        async with asyncio.timeout(_READY_WITHIN):
            return (await upstream.ask("GET", "/readyz")).status == 200
    except (Refused, TimeoutError):
        return False


def _listed(*items: str) -> str:
    """Items of a structured header's list; those of limits that are off are empty."""
    return ", ".join(item for item in items if item)


def _limits(used: str, policy: str) -> Headers:
    if not policy:
        return []
    return [(b"ratelimit", used.encode()), (b"ratelimit-policy", policy.encode())]
