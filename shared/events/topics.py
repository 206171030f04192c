"""Which Kafka topics carry business events, how a record's key is chosen, and how each topic is set up."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic: written by one service, read by anybody, ordered within a key."""

    name: str
    source: str
    """The CloudEvents `source` of all that is in it."""
    key: str
    """What a record's key is, in words."""
    description: str
    settings: Mapping[str, str]
    """Kafka's topic configuration; partitions and replicas belong to the installation instead."""


_KEPT_FOR_EVER: Final = MappingProxyType(
    {
        # A new consumer starts from the beginning, so nothing is deleted or compacted away.
        "cleanup.policy": "delete",
        "retention.ms": "-1",
        "retention.bytes": "-1",
        # When the broker got it; when it happened is the event's own `time`.
        "message.timestamp.type": "LogAppendTime",
    }
)

LICENSING: Final = Topic(
    name="siteward.licensing.v1",
    source="/siteward/licensing",
    key="license id",
    description="What happens to a tenant's licenses: bought, changed, renewed, ended.",
    settings=_KEPT_FOR_EVER,
)
PLANS: Final = Topic(
    name="siteward.plans.v1",
    source="/siteward/plans",
    key="subscription id",
    description="What happens to a subscription's plan, sites, sensors, notices and statements.",
    settings=_KEPT_FOR_EVER,
)
TOPICS: Final = (LICENSING, PLANS)
