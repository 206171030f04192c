"""A believable event of each type, for the document and for tests: one customer's licenses and plans."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Final, TypeVar
from uuid import UUID

from shared.events.envelope import Envelope
from shared.events.event import Event, changes
from shared.events.licensing import (
    LicenseAutoRenewChanged,
    LicenseCancelled,
    LicenseChangeScheduled,
    LicenseDeleted,
    LicenseDisabled,
    LicenseEvent,
    LicenseExpired,
    LicenseExpiring,
    LicensePurchased,
    LicenseQuantityChanged,
    LicenseReactivated,
    LicenseRenewed,
    TrialConverted,
    TrialExtended,
    TrialStarted,
)
from shared.events.plans import (
    EnterpriseIotChanged,
    NoticeCleared,
    NoticeRaised,
    PlanAdded,
    PlanCancelled,
    PlanCancelRequested,
    PlanChangeEffective,
    PlanChangeRequested,
    PlanChangeUndone,
    PlanEvent,
    PlanPricePlanChanged,
    SensorActivated,
    SensorChanged,
    SensorDeleted,
    SensorEvent,
    SensorReactivationRequired,
    SensorRegistered,
    SiteChanged,
    SiteEntitlementChanged,
    StatementClosed,
)
from shared.events.state import (
    EnterpriseIotState,
    LicensedSites,
    LicenseOrder,
    LicensePrice,
    LicenseState,
    Line,
    NoticeState,
    PendingChange,
    Period,
    PlanState,
    PlanTerms,
    Reducible,
    ScheduledChange,
    SensorState,
    SiteState,
    StatementState,
)
from shared.events.wire import Money, WireModel

_TENANT: Final = UUID("5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11")
_SUBSCRIPTION: Final = UUID("8f1c2f7e-6c39-4b1a-8a27-0c5d2d9a7e42")
_LEGACY_SUBSCRIPTION: Final = UUID("3d7a90b4-1e58-4f43-b6de-95c1f0a2bb07")
_TRACEPARENT: Final = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

_State = TypeVar("_State", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Example:
    event: Event
    envelope: Envelope


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _next(state: _State, **fields: Any) -> _State:
    """The next version of a state, validated like any other."""
    version = dict(state)["version"] + 1
    return type(state).model_validate({**dict(state), "version": version, **fields})


def _usd(unit: int, quantity: int) -> LicensePrice:
    return LicensePrice(unit=Money.of(unit, "USD"), total=Money.of(unit * quantity, "USD"))


def _license_event(
    event: type[LicenseEvent], before: LicenseState | None, after: LicenseState, at: str
) -> Example:
    changed, previous = changes(before, after)
    made = event(license=after, changed=changed, previous=previous)
    return Example(made, made.envelope(tenant_id=_TENANT, time=_at(at), traceparent=_TRACEPARENT))


def _plan_event(event: type[PlanEvent], before: PlanState | None, after: PlanState, at: str) -> Example:
    changed, previous = changes(before, after, except_for=["as_of"])
    made = event(plan=after, changed=changed, previous=previous)
    return Example(made, made.envelope(tenant_id=_TENANT, time=_at(at), traceparent=_TRACEPARENT))


def _sensor_event(
    event: type[SensorEvent], before: SensorState | None, after: SensorState, at: str
) -> Example:
    changed, previous = changes(before, after)
    made = event(sensor=after, changed=changed, previous=previous)
    return Example(
        made,
        made.envelope(
            subscription_id=_SUBSCRIPTION, tenant_id=_TENANT, time=_at(at), traceparent=_TRACEPARENT
        ),
    )


def _licenses() -> list[Example]:
    bought = LicenseState(
        id=UUID("019ca8a9-3d40-7c35-9b8e-2f6a1d0c4e5b"),
        sku="OT_SITE_L",
        site_size="L",
        max_devices=1000,
        quantity=3,
        assigned=0,
        assigned_as_of=None,
        status="active",
        auto_renew=True,
        billing_frequency="annual",
        purchased_at=_at("2026-03-01T09:30:00"),
        term_start=_at("2026-03-01T09:30:00"),
        term_end=_at("2027-03-01"),
        cancellable_until=_at("2026-03-08T09:30:00"),
        trial_extended=False,
        grace_ends_at=None,
        disabled_ends_at=None,
        scheduled_change=None,
        reducible=(Reducible(quantity=3, until=_at("2026-03-08T09:30:00")),),
        price=_usd(1750_00, 3),
        order=LicenseOrder(number="SW-2026-000042", confirmed_at=_at("2026-03-01T09:30:00")),
        version=1,
    )
    cancelled = _next(bought, status="disabled", disabled_ends_at=_at("2026-06-01T14:00:00"), reducible=())
    more = _next(
        bought,
        quantity=4,
        assigned=2,
        assigned_as_of=_at("2026-05-10T07:59:58.250000"),
        reducible=(Reducible(quantity=1, until=_at("2026-05-17T08:00:00")),),
        price=_usd(1750_00, 4),
    )
    larger_next_term = ScheduledChange(
        sku="OT_SITE_XL", quantity=4, billing_frequency="annual", effective_at=_at("2027-03-01")
    )
    scheduled = _next(more, scheduled_change=larger_next_term, reducible=())
    renewed = _next(
        scheduled,
        sku="OT_SITE_XL",
        site_size="XL",
        max_devices=5000,
        term_start=_at("2027-03-01"),
        term_end=_at("2028-03-01"),
        cancellable_until=_at("2027-03-08"),
        scheduled_change=None,
        reducible=(Reducible(quantity=4, until=_at("2027-03-08")),),
        price=_usd(6000_00, 4),
    )
    not_renewing = _next(renewed, auto_renew=False, reducible=())
    expiring = _next(not_renewing)
    expired = _next(expiring, status="expired", grace_ends_at=_at("2028-03-31"))
    disabled = _next(expired, status="disabled", grace_ends_at=None, disabled_ends_at=_at("2028-06-29"))
    deleted = _next(disabled, status="deleted", disabled_ends_at=None)
    reactivated = _next(
        bought,
        id=UUID("01a9f9a1-5e80-7d14-8c3f-7b2e9a604d18"),
        sku="OT_SITE_XL",
        site_size="XL",
        max_devices=5000,
        quantity=4,
        purchased_at=_at("2028-03-10T10:00:00"),
        term_start=_at("2028-03-10T10:00:00"),
        term_end=_at("2029-03-10"),
        cancellable_until=_at("2028-03-17T10:00:00"),
        reducible=(Reducible(quantity=4, until=_at("2028-03-17T10:00:00")),),
        price=_usd(6000_00, 4),
        order=LicenseOrder(number="SW-2028-000007", confirmed_at=_at("2028-03-10T10:00:00")),
        version=1,
    )
    return [
        _license_event(LicensePurchased, None, bought, "2026-03-01T09:30:00"),
        _license_event(LicenseCancelled, bought, cancelled, "2026-03-03T14:00:00"),
        _license_event(LicenseQuantityChanged, bought, more, "2026-05-10T08:00:00"),
        _license_event(LicenseChangeScheduled, more, scheduled, "2026-06-01T11:15:00"),
        _license_event(LicenseRenewed, scheduled, renewed, "2027-03-01"),
        _license_event(LicenseAutoRenewChanged, renewed, not_renewing, "2027-09-01T16:20:00"),
        _license_event(LicenseExpiring, not_renewing, expiring, "2028-01-31"),
        _license_event(LicenseExpired, expiring, expired, "2028-03-01"),
        _license_event(LicenseDisabled, expired, disabled, "2028-03-31"),
        _license_event(LicenseDeleted, disabled, deleted, "2028-06-29"),
        _license_event(LicenseReactivated, None, reactivated, "2028-03-10T10:00:00"),
    ]


def _trials() -> list[Example]:
    started = LicenseState(
        id=UUID("019c3d5e-0a00-7b21-a4c7-6e8f1d2b3c4d"),
        sku="OT_SITE_TRIAL_L",
        site_size="L",
        max_devices=1000,
        quantity=1,
        assigned=0,
        assigned_as_of=None,
        status="trial",
        auto_renew=False,
        billing_frequency=None,
        purchased_at=_at("2026-02-01T12:00:00"),
        term_start=_at("2026-02-01T12:00:00"),
        term_end=_at("2026-04-02"),
        cancellable_until=None,
        trial_extended=False,
        grace_ends_at=None,
        disabled_ends_at=None,
        scheduled_change=None,
        reducible=(),
        price=None,
        order=LicenseOrder(number="SW-2026-000017", confirmed_at=_at("2026-02-01T12:00:00")),
        version=1,
    )
    extended = _next(started, term_end=_at("2026-05-02"), trial_extended=True)
    converted = _next(
        extended,
        sku="OT_SITE_L",
        status="active",
        auto_renew=True,
        billing_frequency="annual",
        term_start=_at("2026-04-20T15:00:00"),
        term_end=_at("2027-04-20"),
        cancellable_until=_at("2026-04-27T15:00:00"),
        reducible=(Reducible(quantity=1, until=_at("2026-04-27T15:00:00")),),
        price=_usd(1750_00, 1),
    )
    return [
        _license_event(TrialStarted, None, started, "2026-02-01T12:00:00"),
        _license_event(TrialExtended, started, extended, "2026-03-25T09:00:00"),
        _license_event(TrialConverted, extended, converted, "2026-04-20T15:00:00"),
    ]


def _plans() -> list[Example]:
    large = LicensedSites(site_size="L", max_devices=1000, quantity=3)
    added = PlanState(
        subscription_id=_SUBSCRIPTION,
        status="active",
        price_plan="microsoft_365",
        licensed_sites=(large,),
        committed_devices=None,
        sites=None,
        detected_devices=0,
        terms_accepted_at=_at("2026-03-01T09:45:00"),
        pending_change=None,
        service_state="running",
        service_stops_at=None,
        data_purged_at=None,
        version=1,
        as_of=_at("2026-03-01T09:30:00"),
    )
    small = LicensedSites(site_size="XS", max_devices=100, quantity=1)
    followed = _next(added, licensed_sites=(small, large), as_of=_at("2026-03-02T08:00:00"))
    legacy = PlanState(
        subscription_id=_LEGACY_SUBSCRIPTION,
        status="active",
        price_plan="monthly",
        licensed_sites=(),
        committed_devices=1000,
        sites=None,
        detected_devices=1180,
        terms_accepted_at=_at("2023-05-12T10:00:00"),
        pending_change=None,
        service_state="running",
        service_stops_at=None,
        data_purged_at=None,
        version=1,
        as_of=_at("2026-06-15T23:00:00"),
    )
    raised = PlanTerms(price_plan="monthly", committed_devices=1500, sites=None)
    edit = PendingChange(
        kind="edit",
        requested_at=_at("2026-06-15T23:00:00"),
        effective_at=_at("2026-06-16"),
        to=raised,
    )
    requested = _next(legacy, status="change_pending", pending_change=edit)
    undone = _next(requested, status="active", pending_change=None)
    effective = _next(requested, status="active", pending_change=None, committed_devices=1500)
    end = PendingChange(
        kind="cancel",
        requested_at=_at("2026-09-30T22:30:00"),
        effective_at=_at("2026-09-30T23:30:00"),
        to=None,
    )
    ending = _next(effective, status="cancel_pending", pending_change=end, detected_devices=0)
    ended = _next(
        ending,
        status="cancelled",
        pending_change=None,
        service_state="stopped",
        service_stops_at=_at("2026-09-30T23:30:00"),
        data_purged_at=_at("2026-12-29T23:30:00"),
    )
    return [
        _plan_event(PlanAdded, None, added, "2026-03-01T09:45:00"),
        _plan_event(PlanPricePlanChanged, added, followed, "2026-03-02T08:00:00"),
        _plan_event(PlanChangeRequested, legacy, requested, "2026-06-15T23:00:00"),
        _plan_event(PlanChangeEffective, requested, effective, "2026-06-16"),
        _plan_event(PlanChangeUndone, requested, undone, "2026-06-15T23:40:00"),
        _plan_event(PlanCancelRequested, effective, ending, "2026-09-30T22:30:00"),
        _plan_event(PlanCancelled, ending, ended, "2026-09-30T23:30:00"),
    ]


def _sites() -> list[Example]:
    made = SiteState(
        name="rotterdam-refinery",
        display_name="Rotterdam refinery",
        site_size="L",
        max_devices=1000,
        detected_devices=0,
        entitled=True,
        license_id=UUID("019ca8a9-3d40-7c35-9b8e-2f6a1d0c4e5b"),
        tags={"region": "emea"},
        owners=("ot-security@example.com",),
        zones=("Default",),
        version=1,
    )
    zoned = _next(made, zones=("Default", "Tank farm"))
    changed, previous = changes(made, zoned)
    examples = []
    for event, at in (
        (
            SiteEntitlementChanged(site=made, changed=("entitled",), previous={"entitled": None}),
            "2026-03-01T10:00:00",
        ),
        (SiteChanged(site=zoned, changed=changed, previous=previous), "2026-03-01T10:05:00"),
    ):
        envelope = event.envelope(
            subscription_id=_SUBSCRIPTION, tenant_id=_TENANT, time=_at(at), traceparent=_TRACEPARENT
        )
        examples.append(Example(event, envelope))
    return examples


def _sensors() -> list[Example]:
    registered = SensorState(
        name="rtm-01",
        site="rotterdam-refinery",
        zone="Default",
        type="ot",
        management="cloud",
        activation_state="pending_activation",
        activated_at=None,
        notices=(),
        version=1,
    )
    activated = _next(registered, activation_state="active", activated_at=_at("2026-03-02T07:12:30"))
    moved = _next(activated, zone="Tank farm")
    switched = _next(
        moved,
        management="local",
        activation_state="reactivation_required",
        notices=("SensorReactivationRequired",),
    )
    return [
        _sensor_event(SensorRegistered, None, registered, "2026-03-01T10:10:00"),
        _sensor_event(SensorActivated, registered, activated, "2026-03-02T07:12:30"),
        _sensor_event(SensorChanged, activated, moved, "2026-04-11T13:00:00"),
        _sensor_event(SensorReactivationRequired, moved, switched, "2026-05-20T09:00:00"),
        _sensor_event(SensorDeleted, None, _next(switched), "2026-09-30T22:00:00"),
    ]


def _enterprise_iot() -> Example:
    on = EnterpriseIotState(status="on", legacy=False, effective_at=_at("2026-03-05T08:00:00"))
    event = EnterpriseIotChanged(enterprise_iot=on, changed=("status",), previous={"status": "off"})
    envelope = event.envelope(
        subscription_id=_SUBSCRIPTION,
        version=1,
        tenant_id=_TENANT,
        time=_at("2026-03-05T08:00:00"),
        traceparent=_TRACEPARENT,
    )
    return Example(event, envelope)


def _notices() -> list[Example]:
    notice = NoticeState(
        id=UUID("019ecd3f-2b40-7e52-8d61-4a9b0c7f5e3d"),
        code="CommittedDevicesExceeded",
        severity="warning",
        resource=f"plan/{_LEGACY_SUBSCRIPTION}",
        text="1,180 devices are detected and 1,000 are committed.",
        link=f"/v1/subscriptions/{_LEGACY_SUBSCRIPTION}/plan",
        since=_at("2026-06-15T21:04:10"),
    )
    examples = []
    for kind, version, at in (
        (NoticeRaised, 1, "2026-06-15T21:04:10"),
        (NoticeCleared, 2, "2026-06-16"),
    ):
        event = kind(notice=notice, changed=(), previous={})
        envelope = event.envelope(key=_LEGACY_SUBSCRIPTION, version=version, tenant_id=_TENANT, time=_at(at))
        examples.append(Example(event, envelope))
    return examples


def _statement() -> Example:
    def half_of_june(start: str, end: str, devices: int, version: int, amount: str) -> Line:
        return Line(
            kind="charge",
            text=f"{devices:,} committed devices, monthly",
            resource=f"plan/{_LEGACY_SUBSCRIPTION}",
            sku=None,
            version=version,
            start=_at(start),
            end=_at(end),
            basis="seconds",
            in_effect=15 * 86_400,
            in_period=30 * 86_400,
            rate="140.00",
            quantity=devices,
            unrounded=f"{amount}000000",
            amount=amount,
            rule="B58",
        )

    statement = StatementState(
        subscription_id=_LEGACY_SUBSCRIPTION,
        month="2026-06",
        status="closed",
        period=Period(start=_at("2026-06-01"), end=_at("2026-07-01")),
        currency="USD",
        lines=(
            half_of_june("2026-06-01", "2026-06-16", 1000, 1, "700.00"),
            half_of_june("2026-06-16", "2026-07-01", 1500, 3, "1050.00"),
        ),
        total=Money.of(1750_00, "USD"),
        closes_at=_at("2026-07-01"),
    )
    event = StatementClosed(statement=statement, changed=("status",), previous={"status": "draft"})
    return Example(event, event.envelope(version=1, tenant_id=_TENANT, time=_at("2026-07-01")))


def _by_type(examples: list[Example]) -> Mapping[str, Example]:
    """With ids that stay the same from one generation of the document to the next."""
    return MappingProxyType(
        {
            example.event.type: Example(
                example.event,
                replace(example.envelope, id=f"019ca8a9-3d40-7000-8000-{number:012x}"),
            )
            for number, example in enumerate(examples, start=1)
        }
    )


EXAMPLES: Final = _by_type(
    [
        *_licenses(),
        *_trials(),
        *_plans(),
        *_sites(),
        _enterprise_iot(),
        *_sensors(),
        *_notices(),
        _statement(),
    ]
)
"""By type."""
