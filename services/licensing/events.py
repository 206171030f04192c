"""How licensing tells of a license: its state on the wire, and an event for each change."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from services.licensing.domain.change import Change, Happening
from services.licensing.domain.license import License
from shared import tracing
from shared.db import outbox
from shared.db.database import Session
from shared.events import licensing
from shared.events.event import changes
from shared.events.licensing import LicenseEvent
from shared.events.state import (
    LicenseOrder,
    LicensePrice,
    LicenseState,
    Reducible,
    ScheduledChange,
)
from shared.events.wire import Money

_EVENTS: Final[Mapping[Happening, type[LicenseEvent]]] = {
    "purchased": licensing.LicensePurchased,
    "cancelled": licensing.LicenseCancelled,
    "renewed": licensing.LicenseRenewed,
    "quantity_changed": licensing.LicenseQuantityChanged,
    "auto_renew_changed": licensing.LicenseAutoRenewChanged,
    "change_scheduled": licensing.LicenseChangeScheduled,
    "expiring": licensing.LicenseExpiring,
    "expired": licensing.LicenseExpired,
    "disabled": licensing.LicenseDisabled,
    "deleted": licensing.LicenseDeleted,
    "reactivated": licensing.LicenseReactivated,
    "trial_started": licensing.TrialStarted,
    "trial_extended": licensing.TrialExtended,
    "trial_converted": licensing.TrialConverted,
}


@lru_cache(maxsize=64)  # an event and the answer to the request behind it show the same license
def state_of(license: License, *, now: datetime) -> LicenseState:
    """The license as events and the API show it at `now`."""
    scheduled = license.scheduled
    return LicenseState(
        id=license.id,
        sku=license.sku,
        site_size=license.site_size,
        max_devices=license.max_devices,
        quantity=license.quantity,
        assigned=license.assigned,
        assigned_as_of=license.assigned_as_of,
        status=license.status,
        auto_renew=license.auto_renew,
        billing_frequency=license.billing_frequency,
        purchased_at=license.purchased_at,
        term_start=license.term_start,
        term_end=license.term_end,
        cancellable_until=license.cancellable_until,
        trial_extended=license.trial_extended,
        grace_ends_at=license.grace_ends_at,
        disabled_ends_at=license.disabled_ends_at,
        scheduled_change=None
        if scheduled is None
        else ScheduledChange(
            sku=scheduled.sku,
            quantity=scheduled.quantity,
            billing_frequency=scheduled.billing_frequency,
            effective_at=license.term_end,
        ),
        reducible=[
            Reducible(quantity=batch.quantity, until=batch.reducible_until)
            for batch in license.open_batches(now)
        ],
        price=_price(license),
        order=LicenseOrder(number=license.order_number, confirmed_at=license.purchased_at),
        version=license.version,
    )


def publish(
    session: Session, before: LicenseState | None, state: LicenseState, license: License, change: Change
) -> None:
    """Tell what happened; the events of one license are in the order of its versions."""
    made = _EVENTS[change.happened]
    if before is None:
        event = made(license=state, changed=(), previous={})
    else:
        changed, previous = changes(before, state)
        event = made(license=state, changed=changed, previous=previous)
    envelope = event.envelope(
        tenant_id=license.tenant_id, time=change.at, traceparent=tracing.traceparent.get()
    )
    outbox.add(session, event, envelope)


def _price(license: License) -> LicensePrice | None:
    if license.unit_price is None or license.currency is None:
        return None
    return LicensePrice(
        unit=Money.of(license.unit_price, license.currency),
        total=Money.of(license.unit_price * license.quantity, license.currency),
    )
