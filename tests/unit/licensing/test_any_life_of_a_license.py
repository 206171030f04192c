"""Whatever is done to a license, in whatever order and however much time passes: what stays true?"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Final, Literal
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.licensing.domain.cancellation import cancel
from services.licensing.domain.catalog import BillingFrequency, Price, Product
from services.licensing.domain.change import Change
from services.licensing.domain.errors import LicensingError
from services.licensing.domain.license import License, Scheduled
from services.licensing.domain.line import Line
from services.licensing.domain.passing import until
from services.licensing.domain.purchase import purchase
from services.licensing.domain.quantity import set_quantity
from services.licensing.domain.reactivation import reactivate
from services.licensing.domain.renewal import schedule, set_auto_renew
from services.licensing.domain.term import days_between
from services.licensing.domain.trial import convert_at_end, convert_now, extend_trial, start_trial
from services.licensing.events import state_of
from tests.unit.licensing.given import LICENSE_ID, TENANT_ID
from tests.unit.licensing.test_term import starts

DEARER_EVERY_YEAR: Final = 1_000
AFTER: Final = {
    "purchased": {"active"},
    "renewed": {"active"},
    "quantity_changed": {"active"},
    "auto_renew_changed": {"active"},
    "change_scheduled": {"active", "trial"},
    "expiring": {"active", "trial"},
    "expired": {"expired"},
    "disabled": {"disabled"},
    "cancelled": {"disabled"},
    "deleted": {"deleted"},
    "reactivated": {"active"},
    "trial_started": {"trial"},
    "trial_extended": {"trial"},
    "trial_converted": {"active"},
    "month_charged": {"active"},
}

STARTS_A_TERM: Final = {"purchased", "renewed", "reactivated", "trial_converted"}

quantities = st.integers(1, 40)
frequencies = st.sampled_from(["annual", "monthly"])
sizes = st.sampled_from(["OT_SITE_S", "OT_SITE_L"])


def sold_at(moment: datetime) -> dict[str, Product]:
    """A catalog whose prices rise with every calendar year."""
    rise = (moment.year - 2020) * DEARER_EVERY_YEAR
    return {
        sku: Product(
            sku,
            sku,
            size,
            devices,
            "P1Y",
            trial=False,
            prices=(Price("annual", annual + rise, "USD"), Price("monthly", monthly + rise // 11, "USD")),
        )
        for sku, size, devices, annual, monthly in (
            ("OT_SITE_S", "S", 250, 75_001, 6_563),
            ("OT_SITE_L", "L", 1000, 175_003, 15_313),
        )
    }


TRIAL: Final = Product("OT_SITE_TRIAL_L", "Trial", "L", 1000, "P60D", trial=True, prices=())


class LifeOfALicense(RuleBasedStateMachine):
    """One license under every command and any passing of time; money is reckoned beside it, day by day."""

    @initialize(
        now=starts,
        trial=st.booleans(),
        quantity=quantities,
        billing_frequency=frequencies,
        auto_renew=st.booleans(),
    )
    def begin(
        self,
        now: datetime,
        trial: bool,  # noqa: FBT001 - generated
        quantity: int,
        billing_frequency: BillingFrequency,
        auto_renew: bool,  # noqa: FBT001 - generated
    ) -> None:
        self.now = now
        self.changes: list[Change] = []
        self.ids = 0
        if trial:
            first = start_trial(TRIAL, license_id=LICENSE_ID, tenant_id=TENANT_ID, now=now)
        else:
            first = purchase(
                sold_at(now)["OT_SITE_L"],
                quantity=quantity,
                billing_frequency=billing_frequency,
                auto_renew=auto_renew,
                license_id=LICENSE_ID,
                tenant_id=TENANT_ID,
                now=now,
            )
        assert first.license.version == 1
        self.license = first.license
        self.note(None, first)

    @rule(
        days=st.integers(0, 9) | st.integers(330, 366) | st.integers(0, 800), seconds=st.integers(0, 86_399)
    )
    def time_passes(self, days: int, seconds: int) -> None:
        then = self.now + timedelta(days=days, seconds=seconds)
        if then.year > 2190:
            return
        at_once = list(until(self.license, then, sold_at))
        by_days: list[Change] = []
        license = self.license
        for day in range(0, days + 1, 7):
            by_days += until(license, min(then, self.now + timedelta(days=day)), sold_at)
            license = by_days[-1].license if by_days else license
        by_days += until(license, then, sold_at)
        assert at_once == by_days
        for change in at_once:
            self.note(self.license, change)
        self.now = then

    @rule(total=quantities, assigned=st.integers(0, 3))
    def set_quantity(self, total: int, assigned: int) -> None:
        self.attempt(lambda: set_quantity(self.license, total, assigned=assigned, now=self.now))

    @rule(on=st.booleans())
    def switch_auto_renew(self, on: bool) -> None:  # noqa: FBT001 - generated
        self.attempt(lambda: set_auto_renew(self.license, on, now=self.now))

    @rule(sku=sizes, quantity=quantities, billing_frequency=frequencies)
    def schedule(self, sku: str, quantity: int, billing_frequency: BillingFrequency) -> None:
        wanted = Scheduled(sku, quantity, billing_frequency)
        self.attempt(lambda: schedule(self.license, wanted, assigned=0, now=self.now))

    @rule()
    def cancel(self) -> None:
        self.attempt(lambda: cancel(self.license, now=self.now))

    @rule()
    def extend(self) -> None:
        self.attempt(lambda: extend_trial(self.license, now=self.now))

    @rule(
        when=st.sampled_from(["now", "at_end"]), sku=sizes, quantity=quantities, billing_frequency=frequencies
    )
    def convert(
        self,
        when: Literal["now", "at_end"],
        sku: str,
        quantity: int,
        billing_frequency: BillingFrequency,
    ) -> None:
        terms = Scheduled(sku, quantity, billing_frequency)
        if when == "now":
            self.attempt(lambda: convert_now(self.license, sold_at(self.now)[sku], terms, now=self.now))
        else:
            self.attempt(lambda: convert_at_end(self.license, terms, now=self.now))

    @precondition(lambda self: self.license.status == "expired" and not self.license.is_trial)
    @rule()
    def reactivate(self) -> None:
        product = sold_at(self.now)[self.license.sku]
        self.ids += 1
        old, new = reactivate(self.license, product, license_id=UUID(int=self.ids), now=self.now)
        self.note(self.license, old)
        assert (new.license.version, new.happened) == (1, "reactivated")
        assert new.license.quantity == old.license.quantity
        self.note(None, new)

    def attempt(self, action: Callable[[], Change | None]) -> None:
        before = self.license
        try:
            change = action()
        except LicensingError:
            return
        if change is not None:
            self.note(before, change)
            for due in until(change.license, self.now, sold_at):
                self.note(self.license, due)

    def note(self, before: License | None, change: Change) -> None:
        after = change.license
        assert after.status in AFTER[change.happened]
        if before is not None:
            moved = 0 if change.happened == "month_charged" else 1
            assert after.version == before.version + moved
            assert after.id == before.id
            states = [state_of(one, now=change.at) for one in (before, after)]
            assert (states[0] == states[1]) == (change.happened == "month_charged")
        if self.changes:
            assert change.at >= self.changes[-1].at
        self.changes.append(change)
        self.license = after

    @invariant()
    def there_is_at_least_one_and_each_batch_has_some(self) -> None:
        assert self.license.quantity >= 1
        assert all(batch.quantity >= 1 and batch.charged >= 0 for batch in self.license.batches)
        assert sorted(self.license.batches, key=lambda batch: batch.added_at) == list(self.license.batches)

    @invariant()
    def nothing_is_overdue(self) -> None:
        due = self.license.next_due_at
        assert (due is None) == (self.license.status == "deleted")
        assert due is None or due > self.now

    @invariant()
    def a_term_holds_the_present_while_it_runs(self) -> None:
        if self.license.status in {"active", "trial"}:
            assert self.license.term_start <= self.now < self.license.term_end
            assert (self.license.status == "trial") == self.license.is_trial

    @invariant()
    def dates_of_an_end_are_there_only_at_an_end(self) -> None:
        license = self.license
        assert (license.grace_ends_at is not None) == (license.status == "expired")
        assert (license.disabled_ends_at is not None) == (license.status == "disabled")
        if license.status not in {"active", "trial"}:
            assert license.scheduled is None
            assert not license.auto_renew

    @invariant()
    def what_was_charged_less_what_was_credited_is_what_was_held(self) -> None:
        """Each annual term costs its price for the days that each license was held, to half a cent a line."""
        for term in _annual_terms(self.changes):
            amount = sum(line.amount for line in term.lines)
            assert abs(amount - term.held) <= Fraction(len(term.lines), 2)


@dataclass
class Term:
    """The lines of an annual term, and the price of what was held in it, reckoned day by day."""

    lines: list[Line] = field(default_factory=list)
    held: Fraction = Fraction(0)


def _annual_terms(changes: list[Change]) -> list[Term]:
    terms: list[Term] = []
    quantity = 0
    for change in changes:
        license = change.license
        if change.happened in STARTS_A_TERM:
            terms.append(Term())
            quantity = 0
        if license.billing_frequency != "annual" or not terms:
            continue
        term = terms[-1]
        term.lines += change.lines
        if change.happened in STARTS_A_TERM | {"quantity_changed", "cancelled"}:
            became = 0 if change.happened == "cancelled" else license.quantity
            # What is added counts from its own first day on, what is taken back has used the day it is.
            used_up = 0 if became > quantity else 1
            days = days_between(change.at, license.term_end) - used_up
            term.held += Fraction(license.price[0] * (became - quantity) * days, license.days)
            quantity = became
    return terms


LifeOfALicense.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestAnyLifeOfALicense = LifeOfALicense.TestCase
