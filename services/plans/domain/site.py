"""A site: a physical location, of a size that a license covers where the plan follows licenses (B66)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Self
from uuid import UUID

NAME: Final = r"^[A-Za-z0-9 ._-]{1,64}$"
DEFAULT_ZONE: Final = "Default"
ENTERPRISE_NETWORK: Final = "Enterprise network"
"""The site to which all Enterprise IoT sensors belong, made by the system (B76)."""

Coverage = Literal["legacy", "licensed", "grace", "unlicensed", "stopped", "deleted"]
_ENTITLED: Final = frozenset({"legacy", "licensed", "grace"})


@dataclass(frozen=True, slots=True)
class Site:
    id: UUID
    """A new one each time that the name is made, in the order of making."""
    subscription_id: UUID
    tenant_id: UUID
    name: str
    """As it was first written, for its events have one subject whatever the case."""
    display_name: str
    site_size: str | None
    max_devices: int | None
    tags: Mapping[str, str]
    owners: tuple[str, ...]
    zones: tuple[str, ...]
    created_at: datetime
    sized_at: datetime | None
    """Since when it has its size."""
    coverage: Coverage
    """What its entitlement rests on: a license in use or in its grace, or a legacy plan, which covers all sites."""
    license_id: UUID | None
    version: int

    @property
    def entitled(self) -> bool | None:
        """Whether the service covers it now; None once it is deleted."""
        return None if self.coverage == "deleted" else self.coverage in _ENTITLED

    @property
    def is_there(self) -> bool:
        return self.coverage != "deleted"

    def deleted(self) -> Self:
        """As it is remembered, so that versions go on should the name be made anew."""
        return replace(self, coverage="deleted", license_id=None, version=self.version + 1)


def is_name(given: str) -> bool:
    """Whether a site, a zone or a sensor may be called so."""
    return re.fullmatch(NAME, given) is not None


def name_key(name: str) -> str:
    """Names are unique whatever their case."""
    return name.lower()


def is_network(name: str) -> bool:
    """Whether this is the site that the system keeps for Enterprise IoT sensors (B76)."""
    return name_key(name) == name_key(ENTERPRISE_NETWORK)
