"""The one REST surface: who is calling, how much may they, which service answers."""

import time
from collections.abc import Awaitable, Callable
from typing import Final

import aiohttp
import structlog

from gateway import bodies, dev_issuer
from gateway.auth import Caller, Callers, FixedKey, Keys, PublishedKeys
from gateway.exchange import ClientGone, Exchange, Receive, Scope, Send
from gateway.limits import RateLimit, RateLimited
from gateway.metrics import CONTENT_TYPE, Metrics
from gateway.routing import LICENSING, PLANS, PUBLIC_KEYS, RouteNames, service_for
from gateway.settings import GatewaySettings
from gateway.upstream import Upstream
from shared.http.problems import Refused, internal_error, method_not_allowed, not_found

SLOW: Final = 1.0
log = structlog.get_logger(__name__)


class Gateway:
    def __init__(self, settings: GatewaySettings) -> None:
        self._settings = settings
        self._signing_key = dev_issuer.read_key(settings.internal_signing_key)
        self._metrics = Metrics()
        self._routes = RouteNames()
        s = settings
        self._per_token = RateLimit("token", quota=s.rate_limit_per_token, seconds=s.rate_limit_window)
        self._per_tenant = RateLimit("tenant", quota=s.rate_limit_per_tenant, seconds=s.rate_limit_window)
        self._policy = ", ".join(p for p in (self._per_token.policy, self._per_tenant.policy) if p).encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=4), auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(), skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"))
            st = self._settings
            self._upstreams = {
                LICENSING: Upstream(LICENSING, st.licensing_url, patience=st.upstream_patience, silence=st.upstream_timeout),
                PLANS: Upstream(PLANS, st.plans_url, patience=st.upstream_patience, silence=st.upstream_timeout),
            }
            issuers: dict[str, Keys] = {}
            if st.dev_issuer_key:
                self._dev_key = dev_issuer.read_key(st.dev_issuer_key)
                issuers[dev_issuer.ISSUER] = FixedKey(self._dev_key)
            self._callers = Callers(issuers, audience=st.audience)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await self._session.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
        started = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        upstream = "gateway"
        try:
            path = exchange.path
            if path == "/dev/tokens":
                request, _ = await bodies.read(exchange, dev_issuer.TokenRequest)
                await exchange.answer_json(200, dev_issuer.issue(request, self._dev_key, audience="siteward"))
                return
            caller = await self._callers.identify(exchange.authorization)
            now = time.monotonic()
            used = self._per_token.count(caller, now), self._per_tenant.count(caller.principal.tenant_id, now)
            exchange.extra_headers = [(b"ratelimit", ", ".join(used).encode()), (b"ratelimit-policy", self._policy)]
            service = service_for(path)
            if service is None:
                raise Refused(not_found())
            upstream = service
            await self._upstreams[service].forward(exchange, caller.authorization(self._signing_key, time.time()))
        except Refused as refused:
            await exchange.refuse(refused.problem)
        finally:
            self._metrics.count(upstream, self._routes.of(exchange.path), exchange.method, exchange.status, time.perf_counter() - started)
