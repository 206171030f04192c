"""A subscription that is linked to a tenant, and what the caller is on it."""

from dataclasses import dataclass, replace
from typing import Literal, Self
from uuid import UUID

Role = Literal["Owner", "Contributor", "SecurityAdmin", "SecurityReader", "Reader"]


@dataclass(frozen=True, slots=True)
class Subscription:
    id: UUID
    """The caller's own id for it."""
    tenant_id: UUID
    display_name: str
    roles: tuple[Role, ...]
    """The caller's."""
    version: int

    def renamed(self, display_name: str) -> Self:
        """Itself if it is called so already."""
        if display_name == self.display_name:
            return self
        return replace(self, display_name=display_name, version=self.version + 1)
