"""What happens to licenses, as the events that licensing would publish, ready to be put in any order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from uuid import UUID

from aiokafka import ConsumerRecord

from services.licensing.domain.cancellation import cancel
from services.licensing.domain.catalog import Price, Product
from services.licensing.domain.license import License
from services.licensing.domain.purchase import purchase
from services.licensing.events import state_of
from shared.events.codec import encode
from shared.events.envelope import Envelope
from shared.events.event import Event, changes
from shared.events.licensing import LicenseCancelled, LicensePurchased, LicenseQuantityChanged
from shared.ids import new_id

START: Final = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
_SIZES: Final = {"XS": 100, "S": 250, "M": 500, "L": 1000, "XL": 5000}


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its envelope: what one record carries."""

    envelope: Envelope
    event: Event

    @property
    def key(self) -> bytes:
        return self.envelope.partitionkey.encode()

    @property
    def value(self) -> bytes:
        return encode(self.event)

    def once_more(self) -> "Told":
        """The same news under an id of its own, so that only its version tells that it is old."""
        return replace(self, envelope=replace(self.envelope, id=str(new_id())))


class History:
    """One license from its purchase on; each word adds an event, a minute after the last."""

    def __init__(self, tenant: UUID, size: str = "L", quantity: int = 1, *, at: datetime = START) -> None:
        product = Product(
            f"OT_SITE_{size}",
            f"OT site license, {size}",
            size,
            _SIZES[size],
            "P1Y",
            trial=False,
            prices=(Price("annual", 100_00, "USD"),),
        )
        self.tenant = tenant
        self._now = at
        self._license = purchase(
            product,
            quantity=quantity,
            billing_frequency="annual",
            auto_renew=True,
            license_id=new_id(),
            tenant_id=tenant,
            now=at,
        ).license
        bought = LicensePurchased(license=state_of(self._license, now=at), changed=(), previous={})
        self.events = [self._told(bought)]

    @property
    def license_id(self) -> UUID:
        return self._license.id

    def grown_to(self, quantity: int) -> "History":
        batch = replace(self._license.batches[0], quantity=quantity)
        self._becomes(
            LicenseQuantityChanged,
            replace(self._license, batches=(batch,), version=self._license.version + 1),
        )
        return self

    def cancelled(self) -> "History":
        self._becomes(LicenseCancelled, cancel(self._license, now=self._now).license)
        return self

    def _becomes(self, kind: type[LicenseCancelled | LicenseQuantityChanged], license: License) -> None:
        before = state_of(self._license, now=self._now)
        self._now += timedelta(minutes=1)
        after = state_of(license, now=self._now)
        changed, previous = changes(before, after)
        self._license = license
        self.events.append(self._told(kind(license=after, changed=changed, previous=previous)))

    def _told(self, event: LicensePurchased | LicenseCancelled | LicenseQuantityChanged) -> Told:
        return Told(event.envelope(tenant_id=self.tenant, time=self._now), event)


_offsets: Final[Iterator[int]] = count(1)


def record(told: Told, **other: Any) -> ConsumerRecord:
    """The record as a consumer gets it, but for what `other` names."""
    return replace(a_record(told.key, told.value, told.envelope.headers()), **other)


def a_record(key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> ConsumerRecord:
    """A record at an offset that no other has."""
    return ConsumerRecord(
        topic="siteward.test",
        partition=0,
        offset=next(_offsets),
        timestamp=0,
        timestamp_type=1,
        key=key,
        value=value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple(headers),
    )
