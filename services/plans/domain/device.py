"""A device as sensors see it: what it is, when it was last seen, and until when it counts (B40, B46)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Final, Literal, NamedTuple

Kind = Literal["ot", "enterprise_iot", "it", "network"]

IDLE_AFTER: Final = MappingProxyType[Kind, timedelta](
    {
        "ot": timedelta(days=60),
        "enterprise_iot": timedelta(days=30),
        "it": timedelta(days=60),
        "network": timedelta(days=60),
    }
)
"""Not seen for longer than that, a device is not counted; the very moment still is (B46)."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""What a clock shows that was never set, if not something earlier still."""


class Seen(NamedTuple):
    """A sighting. Of two, the newer one is the greater; a tie goes to what counts longer.

    A tuple, for it is compared by thousands; and so that the greatest of several does not depend on their order.
    """

    last_seen: datetime
    """Aware UTC."""
    counted_until: datetime
    """The last moment at which the device is not idle; aware UTC."""
    kind: Kind


def seen(kind: Kind, last_seen: datetime) -> Seen:
    """A sighting at that moment, or at the Unix epoch for an earlier one: that clock was never set.

    Such a device is idle either way. The first moment of the year 1, where many clocks begin, cannot be stored:
    PostgreSQL's driver takes it for minus infinity.
    """
    last_seen = max(last_seen, _EPOCH)
    return Seen(last_seen, last_seen + IDLE_AFTER[kind], kind)


@dataclass(frozen=True, slots=True)
class Sighting:
    """What one sensor says of one device of its zone."""

    address: str
    """IP and MAC together, in their normal form."""
    device_key: str | None
    """The device's own, of one with several addresses (B41–B43); null: its address is all that is known of it."""
    seen: Seen


def address(ip: str | None, mac: str | None) -> str:
    """The one name of an IP and MAC pair (B40)."""
    return f"{ip or '-'} {mac or '-'}"
