"""The events of licensing: a file's length of everything that can happen to a license."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from shared.events import topics
from shared.events.envelope import Envelope
from shared.events.event import Event
from shared.events.state import LicenseState


class LicenseEvent(Event):
    topic: ClassVar = topics.LICENSING
    kind: ClassVar = "license"

    license: LicenseState
    """The license after the change."""

    def envelope(self, *, tenant_id: UUID, time: datetime, traceparent: str | None = None) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=str(self.license.id),
            key=self.license.id,
            version=self.license.version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class LicensePurchased(LicenseEvent):
    """Licenses were bought and can be used at once (B16)."""

    type: ClassVar = "siteward.license.purchased.v1"


class LicenseCancelled(LicenseEvent):
    """A license was cancelled within its window (B17), or a trial at any time; it is disabled from now on."""

    type: ClassVar = "siteward.license.cancelled.v1"


class LicenseRenewed(LicenseEvent):
    """A new term began where the old one ended; a scheduled change came with it."""

    type: ClassVar = "siteward.license.renewed.v1"


class LicenseQuantityChanged(LicenseEvent):
    """Licenses were added, or taken back, in the middle of the term (B14-B16)."""

    type: ClassVar = "siteward.license.quantity_changed.v1"


class LicenseAutoRenewChanged(LicenseEvent):
    """Recurring billing was turned on or off; off drops what was scheduled (B19)."""

    type: ClassVar = "siteward.license.auto_renew_changed.v1"


class LicenseChangeScheduled(LicenseEvent):
    """A change for the next renewal, or for a trial's end, was stored, replaced or withdrawn."""

    type: ClassVar = "siteward.license.change_scheduled.v1"


class LicenseExpiring(LicenseEvent):
    """The end of the term is near and nothing renews it (B23)."""

    type: ClassVar = "siteward.license.expiring.v1"


class LicenseExpired(LicenseEvent):
    """The term ended without a renewal; its sites go on for the 30 days of grace (B21, B22)."""

    type: ClassVar = "siteward.license.expired.v1"


class LicenseDisabled(LicenseEvent):
    """The grace is over (B21)."""

    type: ClassVar = "siteward.license.disabled.v1"


class LicenseDeleted(LicenseEvent):
    """The end: 90 days after it was disabled (B21), or replaced by a reactivation."""

    type: ClassVar = "siteward.license.deleted.v1"


class LicenseReactivated(LicenseEvent):
    """A new license took the place of an expired one, which is `deleted` under its own key."""

    type: ClassVar = "siteward.license.reactivated.v1"


class TrialStarted(LicenseEvent):
    """The tenant's one trial began (B11)."""

    type: ClassVar = "siteward.trial.started.v1"


class TrialExtended(LicenseEvent):
    """A trial got 30 days more, once (B13)."""

    type: ClassVar = "siteward.trial.extended.v1"


class TrialConverted(LicenseEvent):
    """A trial became a paid license, with a term of its own."""

    type: ClassVar = "siteward.trial.converted.v1"


EVENTS: Final[tuple[type[LicenseEvent], ...]] = (
    LicensePurchased,
    LicenseCancelled,
    LicenseRenewed,
    LicenseQuantityChanged,
    LicenseAutoRenewChanged,
    LicenseChangeScheduled,
    LicenseExpiring,
    LicenseExpired,
    LicenseDisabled,
    LicenseDeleted,
    LicenseReactivated,
    TrialStarted,
    TrialExtended,
    TrialConverted,
)
