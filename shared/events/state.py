"""What an event says about its aggregate: the shapes of the HTTP API, without what depends on the caller.

Names of states are closed lists, for a consumer has to know what each one means. What is data (SKUs, sizes,
codes, rules) is open text, so that a new one is no new version of the contract.
"""

from typing import Literal
from uuid import UUID

from pydantic import Field

from shared.events.wire import Money, Utc, WireModel

BillingFrequency = Literal["annual", "monthly"]
LicenseStatus = Literal["pending", "trial", "active", "expired", "disabled", "deleted"]
PricePlan = Literal["microsoft_365", "trial", "monthly", "annual"]
PlanStatus = Literal["active", "change_pending", "cancel_pending", "cancelled"]
ServiceState = Literal["running", "grace", "stopped", "purged"]
SensorType = Literal["ot", "enterprise_iot"]
SensorManagement = Literal["cloud", "local"]
ActivationState = Literal["pending_activation", "active", "reactivation_required"]
Severity = Literal["info", "warning", "critical"]


class ScheduledChange(WireModel):
    """What becomes of a license at its next renewal, or of a trial at its end."""

    sku: str
    quantity: int = Field(ge=1)
    billing_frequency: BillingFrequency
    effective_at: Utc


class Reducible(WireModel):
    """Licenses of one batch that can still be taken back with a refund."""

    quantity: int = Field(ge=1)
    until: Utc
    """This moment itself is too late."""


class LicensePrice(WireModel):
    unit: Money
    """One charge for one license: the whole term when billed annually, one month when monthly."""
    total: Money
    """`unit` times the quantity."""


class LicenseOrder(WireModel):
    """The order that made the license."""

    number: str
    confirmed_at: Utc


class LicenseState(WireModel):
    """A number of licenses of one product, bought together, with one term."""

    id: UUID
    sku: str
    """The product, such as `OT_SITE_L`."""
    site_size: str | None
    """`XS` to `XL`; null where the product is not for sites."""
    max_devices: int | None = Field(ge=1)
    """Devices that one site of this size may have; null where the product is not for sites."""
    quantity: int = Field(ge=1)
    """Sites (or devices, for Enterprise IoT) that it covers."""
    assigned: int = Field(ge=0)
    """How many of them are in use, as far as licensing has heard."""
    assigned_as_of: Utc | None
    """How fresh `assigned` is; null as long as nothing was heard."""
    status: LicenseStatus
    """`expired` is the grace after the end of the term, when sites go on; `disabled` comes after it, or after
    a cancel; `deleted` is final."""
    auto_renew: bool
    billing_frequency: BillingFrequency | None
    """Null for a trial."""
    purchased_at: Utc
    term_start: Utc
    term_end: Utc
    """Not part of the term any more."""
    cancellable_until: Utc | None
    """End of the cancellation window (B17), itself too late; null for a trial, which has none."""
    trial_extended: bool
    grace_ends_at: Utc | None
    """When `expired` becomes `disabled`; null outside of the grace."""
    disabled_ends_at: Utc | None
    """When `disabled` becomes `deleted`."""
    scheduled_change: ScheduledChange | None
    reducible: tuple[Reducible, ...] = Field(strict=False)
    price: LicensePrice | None
    """Null for a trial."""
    order: LicenseOrder
    version: int = Field(ge=1)


class LicensedSites(WireModel):
    """How many sites of one size the tenant's licenses allow."""

    site_size: str
    max_devices: int = Field(ge=1)
    quantity: int = Field(ge=0)


class PlanTerms(WireModel):
    """What a pending change makes of a plan."""

    price_plan: PricePlan
    committed_devices: int | None = Field(ge=0)
    sites: int | None = Field(ge=0)


class PendingChange(WireModel):
    """A change that was confirmed and has not taken effect: it does an hour later."""

    kind: Literal["cancel", "edit"]
    requested_at: Utc
    effective_at: Utc
    to: PlanTerms | None
    """Null for a cancel."""


class PlanState(WireModel):
    """The OT plan of one subscription."""

    subscription_id: UUID
    status: PlanStatus
    price_plan: PricePlan
    """`microsoft_365` (or `trial`, as long as that is all there is) follows the tenant's licenses; `monthly`
    and `annual` are legacy."""
    licensed_sites: tuple[LicensedSites, ...] = Field(strict=False)
    """What the tenant's licenses allow, by size; empty for a legacy plan."""
    committed_devices: int | None = Field(ge=0)
    """Devices that a legacy plan pays for."""
    sites: int | None = Field(ge=0)
    """Sites of a legacy annual plan."""
    detected_devices: int = Field(ge=0)
    terms_accepted_at: Utc | None
    pending_change: PendingChange | None
    service_state: ServiceState
    service_stops_at: Utc | None
    """End of the 30 days of grace without an active license (B24)."""
    data_purged_at: Utc | None
    """90 days after the stop, foretold from then on."""
    version: int = Field(ge=1)
    as_of: Utc
    """How fresh the licenses behind it are."""


class SiteState(WireModel):
    """A physical location; its subscription is the event's `partitionkey`."""

    name: str
    """As it was first written; unique in its subscription whatever the case."""
    display_name: str
    site_size: str | None
    """Null on a legacy plan."""
    max_devices: int | None = Field(ge=1)
    detected_devices: int = Field(ge=0)
    entitled: bool | None
    """Whether the service covers it now; null before it is made and once it is deleted."""
    license_id: UUID | None = None
    """The license that covers it; null where none does, or none has to."""
    tags: dict[str, str]
    owners: tuple[str, ...] = Field(strict=False)
    """E-mail addresses."""
    zones: tuple[str, ...] = Field(strict=False)
    version: int = Field(ge=1)


class SensorState(WireModel):
    """A network sensor at a site; its subscription is the event's `partitionkey`."""

    name: str
    site: str
    zone: str
    type: SensorType
    management: SensorManagement
    activation_state: ActivationState
    activated_at: Utc | None
    notices: tuple[str, ...] = Field(strict=False)
    """Codes of the notices that concern it now."""
    version: int = Field(ge=1)


class EnterpriseIotState(WireModel):
    """The Enterprise IoT plan of a subscription, which is the event's `partitionkey`."""

    status: Literal["on", "off"]
    legacy: bool
    """Bought in the legacy way, so that it ends an hour after it is cancelled."""
    effective_at: Utc | None
    """When a pending end takes effect, or else when the status did."""


class NoticeState(WireModel):
    """Something that needs a person's eye, for as long as its cause lasts."""

    id: UUID
    code: str
    """Such as `SiteOverSize` or `LicenseExpiring`; more may come."""
    severity: Severity
    resource: str
    """What it is about, as a subject: `license/{id}`, `site/{subscription}/{name}`."""
    text: str
    link: str | None
    """Where it can be put right."""
    since: Utc


class Period(WireModel):
    """Half-open: `from` belongs to it, `to` does not."""

    start: Utc = Field(alias="from")
    end: Utc = Field(alias="to")


class Line(WireModel):
    """One line of a statement or an invoice, with all that it takes to recompute it."""

    kind: Literal["charge", "credit", "tax"]
    text: str
    resource: str | None
    """What is charged, as a subject."""
    sku: str | None
    version: int | None = Field(ge=1)
    """The version of the plan, or the batch of the license, that is charged."""
    start: Utc | None = Field(alias="from")
    end: Utc | None = Field(alias="to")
    basis: Literal["days", "seconds"] | None
    """What `in_effect` and `in_period` count."""
    in_effect: int | None = Field(ge=0)
    in_period: int | None = Field(ge=1)
    rate: str | None
    """Decimal string: a license's unit price, or a plan's price per 100 devices and month."""
    quantity: int | None = Field(ge=0)
    unrounded: str | None
    """Decimal string, 8 decimals."""
    amount: str
    """Decimal string, rounded half up to the minor unit; negative for a credit."""
    rule: str
    """The rule that was used, such as `B58`."""


class StatementState(WireModel):
    """What a subscription's plan cost in one calendar month."""

    subscription_id: UUID
    month: str = Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")
    status: Literal["draft", "closed"]
    period: Period
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    lines: tuple[Line, ...] = Field(strict=False)
    """Their amounts add up to `total`, to the minor unit."""
    total: Money
    closes_at: Utc
    note: str | None = None
    """For a person: such as where site licenses are invoiced, which are not charged here."""
