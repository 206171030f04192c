"""Which devices a zone has, from what its sensors say, in whatever order and however often they say it (B40–B48).

A device is a key, or an IP and MAC that no key lays claim to. What is seen of a claimed address without its key is
seen of the devices that claim it. So nothing that is said later takes back what was said before, and several
sensors come to the same count.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from services.plans.domain.device import Seen, Sighting

_KEY: Final = "key "
_ADDRESS: Final = "address "


@dataclass(frozen=True, slots=True)
class Row:
    """What is known of a device, or of an address that may be one."""

    seen: Seen
    counted: bool
    """Whether it is in the count; one that has gone idle since may still be."""


@dataclass(slots=True)
class Observed:
    """What a report changes."""

    rows: dict[str, Row] = field(default_factory=dict)
    """By identity: new and changed ones."""
    claims: list[tuple[str, str]] = field(default_factory=list)
    """New ones: an address, and the identity of a device that it belongs to."""
    counted: int = 0
    """By how much the number of counted rows rises, or falls."""
    fell: bool = False
    """Whether a device that was in the count has left it, or will do so earlier than before."""


def identity_of_key(device_key: str) -> str:
    return _KEY + device_key


def identity_of_address(address: str) -> str:
    return _ADDRESS + address


def observe(
    sightings: Iterable[Sighting],
    known: Mapping[str, Row],
    claims: Mapping[str, Collection[str]],
    *,
    now: datetime,
) -> Observed:
    """What sightings of one zone change at `now` (aware UTC).

    `known` has what is known by identity, and `claims` the identities of devices by address: for every key and
    address in the report, and for every device that claims one of them.
    """
    seen: dict[str, Seen] = {}
    addresses: dict[str, str] = {}
    observed = Observed()
    owners: dict[str, Collection[str]] = {}
    for one in sightings:
        if one.device_key is None:
            identity = _ADDRESS + one.address
            addresses[identity] = one.address
        else:
            identity = _KEY + one.device_key
            have = owners.get(one.address) or claims.get(one.address, ())
            if identity not in have:
                owners[one.address] = {*have, identity}
                observed.claims.append((one.address, identity))
        before = seen.get(identity)
        if before is None or one.seen > before:
            seen[identity] = one.seen
    owned = _share(seen, addresses, owners, known, claims)
    for identity, newest in seen.items():
        _note(observed, identity, newest, known.get(identity), now=now, is_device=identity not in owned)
    return observed


def _share(
    seen: dict[str, Seen],
    addresses: Mapping[str, str],
    owners: Mapping[str, Collection[str]],
    known: Mapping[str, Row],
    claims: Mapping[str, Collection[str]],
) -> set[str]:
    """Let what was seen of claimed addresses be seen of those that claim them; the identities of such addresses."""
    owned: set[str] = set()
    touched = {address for address in addresses.values() if address in claims}
    for address in touched | owners.keys():
        identity = _ADDRESS + address
        row = known.get(identity)
        both = [one for one in (seen.get(identity), None if row is None else row.seen) if one is not None]
        if not both:
            continue
        owned.add(identity)
        seen[identity] = newest = max(both)
        for owner in owners.get(address) or claims[address]:
            seen[owner] = max(seen.get(owner, newest), newest)
    return owned


def _note(
    observed: Observed, identity: str, newest: Seen, row: Row | None, *, now: datetime, is_device: bool
) -> None:
    was_counted = False
    if row is not None:
        was_counted = row.counted
        newest = max(newest, row.seen)
    counted = is_device and newest.counted_until >= now
    if row is not None and newest == row.seen and counted == was_counted:
        return
    observed.rows[identity] = Row(newest, counted)
    observed.counted += counted - was_counted
    if row is not None and was_counted and (not counted or newest.counted_until < row.seen.counted_until):
        observed.fell = True
