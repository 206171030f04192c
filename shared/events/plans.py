"""The events of plans: what can happen to a plan, its sites and sensors, a notice, a statement."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from shared.events import topics
from shared.events.envelope import Envelope
from shared.events.event import Event
from shared.events.state import (
    EnterpriseIotState,
    NoticeState,
    PlanState,
    SensorState,
    SiteState,
    StatementState,
)


class PlansEvent(Event):
    """The subscription is the key of them all, so that what happens on one of them stays in order."""

    topic: ClassVar = topics.PLANS


class PlanEvent(PlansEvent):
    kind: ClassVar = "plan"

    plan: PlanState
    """The plan after the change."""

    def envelope(self, *, tenant_id: UUID, time: datetime, traceparent: str | None = None) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=str(self.plan.subscription_id),
            key=self.plan.subscription_id,
            version=self.plan.version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class PlanAdded(PlanEvent):
    """A plan was added to a subscription, its price plan taken from the licenses (B29)."""

    type: ClassVar = "siteward.plan.added.v1"


class PlanPricePlanChanged(PlanEvent):
    """The tenant's licenses changed, and with them the plan, without anybody editing it (B30)."""

    type: ClassVar = "siteward.plan.price_plan_changed.v1"


class PlanChangeRequested(PlanEvent):
    """An edit of a legacy plan was confirmed; it takes effect an hour later (B56)."""

    type: ClassVar = "siteward.plan.change_requested.v1"


class PlanChangeEffective(PlanEvent):
    """The confirmed edit is in effect."""

    type: ClassVar = "siteward.plan.change_effective.v1"


class PlanCancelRequested(PlanEvent):
    """Cancelling was confirmed; the plan ends an hour later (B37)."""

    type: ClassVar = "siteward.plan.cancel_requested.v1"


class PlanChangeUndone(PlanEvent):
    """What was pending, an edit or a cancel, was withdrawn in time."""

    type: ClassVar = "siteward.plan.change_undone.v1"


class PlanCancelled(PlanEvent):
    """The plan ended, and all services on the subscription with it (B38); licenses stay (B39)."""

    type: ClassVar = "siteward.plan.cancelled.v1"


class SiteEvent(PlansEvent):
    kind: ClassVar = "site"

    site: SiteState
    """The site after the change; for a deleted one, as it was, with `entitled` null."""

    def envelope(
        self, *, subscription_id: UUID, tenant_id: UUID, time: datetime, traceparent: str | None = None
    ) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=f"{subscription_id}/{self.site.name}",
            key=subscription_id,
            version=self.site.version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class SiteEntitlementChanged(SiteEvent):
    """Whether the service covers a site changed; from null when it is made, to null when it is deleted."""

    type: ClassVar = "siteward.site.entitlement_changed.v1"


class SiteChanged(SiteEvent):
    """A site's own data changed: its name for people, size, tags, owners or zones."""

    type: ClassVar = "siteward.site.changed.v1"


class EnterpriseIotChanged(PlansEvent):
    """Enterprise IoT was turned on or off, or its end was confirmed."""

    kind: ClassVar = "enterprise_iot"
    type: ClassVar = "siteward.enterprise_iot.changed.v1"

    enterprise_iot: EnterpriseIotState
    """After the change."""

    def envelope(
        self,
        *,
        subscription_id: UUID,
        version: int,
        tenant_id: UUID,
        time: datetime,
        traceparent: str | None = None,
    ) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=str(subscription_id),
            key=subscription_id,
            version=version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class SensorEvent(PlansEvent):
    kind: ClassVar = "sensor"

    sensor: SensorState
    """The sensor after the change; for a deleted one, as it was."""

    def envelope(
        self, *, subscription_id: UUID, tenant_id: UUID, time: datetime, traceparent: str | None = None
    ) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=f"{subscription_id}/{self.sensor.name}",
            key=subscription_id,
            version=self.sensor.version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class SensorRegistered(SensorEvent):
    """A sensor was registered and waits for its activation file to be uploaded (B70)."""

    type: ClassVar = "siteward.sensor.registered.v1"


class SensorChanged(SensorEvent):
    """A sensor's own data changed, in a way that needs no new activation file."""

    type: ClassVar = "siteward.sensor.changed.v1"


class SensorActivated(SensorEvent):
    """A sensor took its activation file, for the first time or anew (B71)."""

    type: ClassVar = "siteward.sensor.activated.v1"


class SensorReactivationRequired(SensorEvent):
    """A sensor needs a new activation file, and monitors on until it has it (B57)."""

    type: ClassVar = "siteward.sensor.reactivation_required.v1"


class SensorDeleted(SensorEvent):
    """A sensor was deleted, and its activation file revoked (B78)."""

    type: ClassVar = "siteward.sensor.deleted.v1"


class NoticeEvent(PlansEvent):
    kind: ClassVar = "notice"

    notice: NoticeState

    def envelope(
        self, *, key: UUID, version: int, tenant_id: UUID, time: datetime, traceparent: str | None = None
    ) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC).

        `key` is the subscription; of a notice that belongs to none, such as one on a license, the tenant.
        """
        return self._envelope(
            name=str(self.notice.id),
            key=key,
            version=version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


class NoticeRaised(NoticeEvent):
    """Something needs a person's eye."""

    type: ClassVar = "siteward.notice.raised.v1"


class NoticeCleared(NoticeEvent):
    """The cause of a notice has gone."""

    type: ClassVar = "siteward.notice.cleared.v1"


class StatementClosed(PlansEvent):
    """A month is over and its statement final (B59)."""

    kind: ClassVar = "statement"
    type: ClassVar = "siteward.statement.closed.v1"

    statement: StatementState

    def envelope(
        self, *, version: int, tenant_id: UUID, time: datetime, traceparent: str | None = None
    ) -> Envelope:
        """A new envelope, with an id of its own; `time` is when it happened in the business (aware UTC)."""
        return self._envelope(
            name=f"{self.statement.subscription_id}/{self.statement.month}",
            key=self.statement.subscription_id,
            version=version,
            tenant_id=tenant_id,
            time=time,
            traceparent=traceparent,
        )


EVENTS: Final[tuple[type[PlansEvent], ...]] = (
    PlanAdded,
    PlanPricePlanChanged,
    PlanChangeRequested,
    PlanChangeEffective,
    PlanCancelRequested,
    PlanChangeUndone,
    PlanCancelled,
    SiteEntitlementChanged,
    SiteChanged,
    EnterpriseIotChanged,
    SensorRegistered,
    SensorChanged,
    SensorActivated,
    SensorReactivationRequired,
    SensorDeleted,
    NoticeRaised,
    NoticeCleared,
    StatementClosed,
)
