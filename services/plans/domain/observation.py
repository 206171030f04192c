"""A row of what a sensor reports, and what of it is no device to be counted (B44–B47)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol

from services.plans.domain.address import uncounted
from services.plans.domain.device import Kind, Sighting, address, seen

AHEAD: Final = timedelta(minutes=5)
"""How far a sensor's clock may be ahead of ours."""

Reason = Literal["managed", "public", "multicast", "broadcast", "in_future"]


class Observation(Protocol):
    """As it was sent, the addresses in their normal form."""

    @property
    def ip(self) -> str | None: ...
    @property
    def mac(self) -> str | None:
        """At least one of the two is there."""

    @property
    def kind(self) -> Kind: ...
    @property
    def last_seen(self) -> datetime:
        """Aware UTC."""

    @property
    def device_key(self) -> str | None:
        """What several addresses of one device have in common."""

    @property
    def managed(self) -> bool:
        """Whether it is an endpoint that is covered elsewhere (C7)."""


def sightings(
    observations: Sequence[Observation], *, now: datetime
) -> tuple[list[Sighting], list[tuple[int, Reason]]]:
    """What sensors have seen of devices, and the places of the rows that are ignored, each with its reason."""
    kept: list[Sighting] = []
    ignored: list[tuple[int, Reason]] = []
    latest = now + AHEAD
    for index, one in enumerate(observations):
        reason = reason_to_ignore(one, latest=latest)
        if reason is None:
            kept.append(Sighting(address(one.ip, one.mac), one.device_key, seen(one.kind, one.last_seen)))
        else:
            ignored.append((index, reason))
    return kept, ignored


def reason_to_ignore(one: Observation, *, latest: datetime) -> Reason | None:
    """The first reason that fits; `latest` is the last moment at which something can have been seen."""
    if one.managed:
        return "managed"
    return uncounted(one.ip, one.mac) or ("in_future" if one.last_seen > latest else None)
