"""Notices: what needs a person's eye, for as long as its cause lasts (B23, B52)."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final, Literal
from uuid import UUID

Severity = Literal["info", "warning", "critical"]

SEVERITY: Final = MappingProxyType[str, Severity](
    {
        "LicenseExpiring": "warning",
        "TrialEnding": "warning",
        "OrphanedLicense": "info",
        "OrphanedPlan": "warning",
        "ServiceInGrace": "critical",
        "ServiceStopped": "critical",
        "UnlicensedSites": "critical",
        "SiteOverSize": "warning",
        "CommittedDevicesExceeded": "warning",
        "SensorReactivationRequired": "warning",
        "ConsoleFileSuperseded": "info",
    }
)
"""How much a notice of each code presses: `critical` is what the service does not or soon will not cover."""

ABOUT_LICENSES: Final = frozenset({"LicenseExpiring", "TrialEnding", "OrphanedLicense"})
"""Codes of what directory roles see; of the others, roles on the subscription decide."""
SEEN_WITH_A_PLAN: Final = frozenset({"LicenseExpiring"})
"""Codes of these that whoever has a role on a subscription with a plan sees too."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something to tell; the same code about the same resource is the same notice."""

    code: str
    """One of `SEVERITY`."""
    resource: str
    """What it is about, as a subject: `license/{id}`, `site/{subscription}/{name}`."""
    subscription_id: UUID | None
    """Null for what belongs to no subscription, such as a license."""
    text: str
    """For a person, and as things are when it is raised: it is not rewritten as long as the notice is open."""
    link: str | None
    """The path at which it can be put right."""

    @property
    def severity(self) -> Severity:
        return SEVERITY[self.code]


@dataclass(frozen=True, slots=True)
class OpenNotice:
    """A notice that was raised and whose cause has not gone."""

    id: UUID
    tenant_id: UUID
    notice: Notice
    since: datetime
    version: int


def settle(
    open_: Iterable[OpenNotice], wanted: Collection[Notice]
) -> tuple[tuple[OpenNotice, ...], tuple[Notice, ...]]:
    """What is to be cleared, and what to be raised, so that what is open is what is wanted."""
    missing = {(notice.code, notice.resource): notice for notice in wanted}
    cleared = tuple(one for one in open_ if missing.pop((one.notice.code, one.notice.resource), None) is None)
    return cleared, tuple(missing.values())
