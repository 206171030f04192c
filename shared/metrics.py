"""Every metric that a service's processes report, with its meaning."""

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)

http_requests: Final = Counter(
    "siteward_http_requests", "Requests answered, by route template", ["method", "route", "status"]
)
http_seconds: Final = Histogram(
    "siteward_http_seconds",
    "From the request's head to the answer's end",
    ["method", "route"],
    buckets=_SECONDS,
)
events_published: Final = Counter(
    "siteward_events_published", "Outbox rows that Kafka acknowledged", ["topic"]
)
outbox_age: Final = Gauge(
    "siteward_outbox_age_seconds", "Age of the oldest event not yet acknowledged; 0 if none"
)
events_applied: Final = Counter("siteward_events_applied", "Records whose effect is committed", ["topic"])
events_dropped: Final = Counter(
    "siteward_events_dropped",
    "Records that changed nothing, being repeats or older than what is known",
    ["topic"],
)
events_parked: Final = Counter(
    "siteward_events_parked", "Records set aside because they could not be applied", ["topic"]
)
consumer_lag: Final = Gauge(
    "siteward_consumer_lag_records", "Records between the consumer and the end of its partitions", ["topic"]
)
