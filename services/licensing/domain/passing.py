"""What the passing of time makes of a license, one step after the other, each as of its due time."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from services.licensing.domain.catalog import Product
from services.licensing.domain.change import Change
from services.licensing.domain.charge import charge_month
from services.licensing.domain.expiry import announce, delete, disable, expire
from services.licensing.domain.license import License
from services.licensing.domain.new_term import in_new_term
from services.licensing.domain.renewal import renew

SoldAt = Callable[[datetime], Mapping[str, Product]]
"""The catalog, by SKU, as it is at a moment."""


def step(license: License, sold_at: SoldAt) -> Change:
    """The next thing that time does, as of `next_due_at`. Raises ValueError where nothing is due ever."""
    due = license.next_due_at
    if due is None:
        raise ValueError(f"nothing is due for license {license.id}")
    if license.status == "expired":
        return disable(license, at=due)
    if license.status == "disabled":
        return delete(license, at=due)
    if due == license.term_end:
        return _end_of_term(license, sold_at, at=due)
    if due == license.next_charge_at:
        charged, line = charge_month(license, at=due)
        return Change(charged, "month_charged", due, (line,))
    return announce(license, at=due)


def until(license: License, now: datetime, sold_at: SoldAt) -> Iterator[Change]:
    """Every step that is due at `now` or before, in order; the last one's license is as it is at `now`."""
    while (due := license.next_due_at) is not None and due <= now:
        change = step(license, sold_at)
        yield change
        license = change.license


def _end_of_term(license: License, sold_at: SoldAt, *, at: datetime) -> Change:
    if license.ends_with_term:
        return expire(license, at=at)
    if not license.is_trial:
        return renew(license, sold_at(at), at=at)
    following, sold = license.scheduled, sold_at(at)
    if following is None or following.sku not in sold:
        return expire(license, at=at)
    converted, line = in_new_term(license, sold[following.sku], following, start=at, text="trial converted")
    return Change(converted, "trial_converted", at, (line,))
