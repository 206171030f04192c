"""What the gateway counts: requests, errors and durations, by route and service, never by id."""

from typing import Final

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Histogram,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The figures of one gateway process."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        for collector in (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR):
            self._registry.register(collector)
        self._requests = Counter(
            "siteward_gateway_requests",
            "Requests answered.",
            ["upstream", "route", "method", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "siteward_gateway_request_seconds",
            "From a request's headers to the end of its answer.",
            ["upstream", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        # Finding a labelled child costs more than counting on it.
        self._children: dict[tuple[str, str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, upstream: str, route: str, method: str, status: int, seconds: float) -> None:
        key = (upstream, route, method, status)
        children = self._children.get(key)
        if children is None:
            children = self._children[key] = (
                self._requests.labels(upstream, route, method, str(status)),
                self._seconds.labels(upstream, route),
            )
        children[0].inc()
        children[1].observe(seconds)

    def exposition(self) -> bytes:
        return generate_latest(self._registry)
