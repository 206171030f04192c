"""How licensing tells of a license: its state on the wire, and an event for each change."""

from datetime import datetime

from services.licensing.domain.license import License
from shared import tracing
from shared.db import outbox
from shared.db.database import Session
from shared.events.event import changes
from shared.events.licensing import LicenseCancelled, LicenseEvent, LicensePurchased
from shared.events.state import LicenseOrder, LicensePrice, LicenseState, Reducible
from shared.events.wire import Money


def state_of(license: License, *, now: datetime) -> LicenseState:
    """The license as events and the API show it at `now`."""
    return LicenseState(
        id=license.id,
        sku=license.sku,
        site_size=license.site_size,
        max_devices=license.max_devices,
        quantity=license.quantity,
        assigned=0,
        assigned_as_of=None,
        status=license.status,
        auto_renew=license.auto_renew,
        billing_frequency=license.billing_frequency,
        purchased_at=license.purchased_at,
        term_start=license.term_start,
        term_end=license.term_end,
        cancellable_until=license.cancellable_until,
        trial_extended=False,
        grace_ends_at=None,
        disabled_ends_at=license.disabled_ends_at,
        scheduled_change=None,
        reducible=[
            Reducible(quantity=batch.quantity, until=batch.reducible_until)
            for batch in license.open_batches(now)
        ],
        price=LicensePrice(
            unit=Money.of(license.unit_price, license.currency),
            total=Money.of(license.unit_price * license.quantity, license.currency),
        ),
        order=LicenseOrder(number=license.order_number, confirmed_at=license.purchased_at),
        version=license.version,
    )


def purchased(session: Session, license: License, *, now: datetime) -> LicenseState:
    """Publish that the license was bought; its state."""
    state = state_of(license, now=now)
    _publish(session, license, LicensePurchased(license=state, changed=(), previous={}), now)
    return state


def cancelled(session: Session, before: License, after: License, *, now: datetime) -> LicenseState:
    """Publish that the license was cancelled; its state."""
    state = state_of(after, now=now)
    changed, previous = changes(state_of(before, now=now), state)
    _publish(session, after, LicenseCancelled(license=state, changed=changed, previous=previous), now)
    return state


def _publish(session: Session, license: License, event: LicenseEvent, now: datetime) -> None:
    envelope = event.envelope(tenant_id=license.tenant_id, time=now, traceparent=tracing.traceparent.get())
    outbox.add(session, event, envelope)
