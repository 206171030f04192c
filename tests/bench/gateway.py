"""What does the gateway cost, beside nginx and beside no proxy at all?"""

import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from deploy.local import services
from deploy.local.ports import HOST, Ports
from deploy.local.process import run
from tests.bench import nginx
from tests.bench.customers import Customer, Customers
from tests.bench.load import request
from tests.bench.measure import Figure, figure, in_turns
from tests.bench.purchases import SKU
from tests.bench.testbed import FOLDER, Testbed, buyer, in_process
from tests.support.listens import listens

_PATH: Final = f"/v1/products/{SKU}"
"""Answered from memory by a route with a response model: what else it costs is the proxy's."""
_CALLERS: Final = 16
_REQUESTS: Final = "gateway requests/s"
_WRK: Final = "load by wrk, of one thread"
_OWN_LOAD: Final = "wrk is not installed: load by our own generator, which takes more of the cores"
_NO_NGINX: Final = (
    "nginx is not installed, so the rows beside it are missing: requests/s with both upstreams, added p50"
)
_NGINX: Final = "nginx, one worker, same upstream"
_RATE: Final = re.compile(r"^Requests/sec:\s+([0-9.]+)", re.MULTILINE)
_MEDIAN: Final = re.compile(r"^\s+50%\s+([0-9.]+)(us|ms|s)", re.MULTILINE)
_MILLISECONDS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


@dataclass(frozen=True, slots=True)
class Load:
    rate: float
    """Requests a second."""
    p50: float
    """Milliseconds."""


async def measure(bed: Testbed) -> list[Figure]:
    customers = await Customers.settle(bed, 1)
    await customers.leave()
    trial = _Trial(bed, customers.all[0])
    if not nginx.installed():
        return await trial.beside_the_service({"gateway": bed.system.url})
    ports = Ports()
    static, to_service, to_static, second = (ports.take() for _ in range(4))
    upstreams = {to_service: urlsplit(trial.service).netloc, to_static: f"{HOST}:{static}"}
    async with (
        nginx.static("nginx-static", static),
        nginx.proxy("nginx-proxy", upstreams),
        _gateway_to(static, second),
    ):
        return [
            *await trial.beside_the_service({"gateway": bed.system.url, "nginx": services.url(to_service)}),
            *await trial.with_static_upstream(
                {"gateway": services.url(second), "nginx": services.url(to_static)}
            ),
        ]


@dataclass(frozen=True, slots=True)
class _Trial:
    bed: Testbed
    customer: Customer

    @property
    def service(self) -> str:
        return self.bed.system.url_of("licensing-api")

    async def beside_the_service(self, proxies: dict[str, str]) -> list[Figure]:
        """With the licensing service as upstream; `nginx` may be missing among the proxies."""
        loads = await self._loads({**proxies, "direct": self.service}, _CALLERS)
        single = await self._loads({**proxies, "direct": self.service}, 1)
        rates = {name: [load.rate for load in of] for name, of in loads.items()}
        p50 = {name: [load.p50 for load in of] for name, of in single.items()}
        figures = []
        if "nginx" in proxies:
            added = {
                name: [proxied - bare for proxied, bare in zip(p50[name], p50["direct"], strict=True)]
                for name in proxies
            }
            figures += [
                figure(
                    f"{_REQUESTS}, FastAPI upstream",
                    "requests/s",
                    rates["gateway"],
                    rates["nginx"],
                    limited_by=_NGINX,
                    at_least=0.80,
                ),
                figure(
                    "gateway added p50, one client",
                    "ms",
                    added["gateway"],
                    added["nginx"],
                    limited_by="what nginx adds",
                    at_most=10.0,
                ),
            ]
        unlimited = "the service called directly"
        return [
            *figures,
            figure(
                f"{_REQUESTS}, FastAPI upstream, beside no proxy",
                "requests/s",
                rates["gateway"],
                rates["direct"],
                limited_by=unlimited,
                remark=_WRK if shutil.which("wrk") else _OWN_LOAD,
            ),
            figure(
                "gateway p50, one client, beside no proxy",
                "ms",
                p50["gateway"],
                p50["direct"],
                limited_by=unlimited,
                remark="" if "nginx" in proxies else _NO_NGINX,
            ),
        ]

    async def with_static_upstream(self, proxies: dict[str, str]) -> list[Figure]:
        loads = await self._loads(proxies, _CALLERS)
        rates = {name: [load.rate for load in of] for name, of in loads.items()}
        return [
            figure(
                f"{_REQUESTS}, static upstream",
                "requests/s",
                rates["gateway"],
                rates["nginx"],
                limited_by=_NGINX,
                at_least=0.10,
            )
        ]

    async def _loads(self, targets: dict[str, str], callers: int) -> dict[str, list[Load]]:
        return await in_turns(
            {name: partial(self._load, name, url, callers) for name, url in targets.items()},
            self.bed.repetitions,
        )

    async def _load(self, name: str, address: str, callers: int) -> Load:
        """The gateway gets the customer's token, what stands in its place what it would send to the service."""
        internal = self.bed.internal_token(buyer(self.customer.tenant))
        token = self.customer.token if name == "gateway" else internal
        if shutil.which("wrk"):
            return await _wrk(address, token, callers, self.bed.seconds)
        done = await in_process(
            "load",
            address=address,
            requests=[request("GET", _PATH, token)],
            callers=callers,
            seconds=self.bed.seconds,
            expected=200,
        )
        return Load(done["rate"], 1000 * done["p50"])


async def _wrk(address: str, token: str, callers: int, seconds: float) -> Load:
    output = await run(
        (
            *("wrk", "-t1", f"-c{callers}", f"-d{max(1, round(seconds))}s", "--latency"),
            *("-H", f"Authorization: Bearer {token}", address + _PATH),
        )
    )
    rate, half = _RATE.search(output), _MEDIAN.search(output)
    if rate is None or half is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"wrk did not get what it asked for:\n{output}")
    return Load(float(rate[1]), float(half[1]) * _MILLISECONDS[half[2]])


@asynccontextmanager
async def _gateway_to(upstream: int, port: int) -> AsyncIterator[None]:
    """A second gateway, set up as the first, whose services are all at `upstream`."""
    ports = {**dict.fromkeys(services.PORTS, upstream), services.GATEWAY: port}
    program = services.programs(FOLDER, ports, database_url="", kafka="")[0]
    folder = FOLDER / "gateway-static"
    folder.mkdir()
    own = replace(program, name="gateway-static", record=folder / "record", serves=lambda: listens(port))
    async with nginx.running(own, folder):
        yield
