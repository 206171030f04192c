"""The order of work of taking over existing customers' legacy plans (B51); new ones can no longer be bought (B9)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from services.plans import events
from services.plans.commands.enterprise_iot import begin_legacy
from services.plans.domain.legacy_plan import imported
from services.plans.store import audit, holdings, ot_plans, plan_terms, subscriptions
from services.plans.store.holdings import Known
from shared.db.database import Session
from shared.http.faults import MOST_ERRORS

Fault = tuple[str, str]
"""A JSON pointer, and what is wrong there."""


@dataclass(frozen=True, slots=True)
class LegacyPlan:
    tenant_id: UUID
    subscription_id: UUID
    display_name: str
    owner: str
    """Who becomes the subscription's Owner."""
    price_plan: Literal["trial", "monthly", "annual"]
    committed_devices: int
    sites: int | None
    started_at: datetime
    enterprise_iot: bool


@dataclass(frozen=True, slots=True)
class Unfit:
    """A row that is no plan; what can be read of it is judged all the same, so that all its faults are told at once."""

    tenant_id: UUID | None
    subscription_id: UUID | None
    started_at: datetime | None
    faults: Sequence[Fault]
    """Of its form; each pointer is below the row."""


class ImportRefused(Exception):
    """None of the plans is taken over; each bad one is named by a JSON pointer."""

    def __init__(self, errors: Sequence[Fault]) -> None:
        self.errors = tuple(errors)
        super().__init__("\n".join(f"{pointer}: {detail}" for pointer, detail in self.errors))


def tenants_of(rows: Sequence[LegacyPlan | Unfit]) -> list[UUID]:
    """Each once, in the order in which everybody locks them."""
    return sorted({row.tenant_id for row in rows if row.tenant_id is not None})


async def import_legacy(
    session: Session, rows: Sequence[LegacyPlan | Unfit], *, by: str, clocks: Mapping[UUID, datetime]
) -> None:
    """Take over the plans as of `clocks`, the present of each tenant, from which on they are charged.

    Raises ImportRefused where a row is no plan, has not started yet, or its subscription is linked already, to
    whomever, or is in the rows twice.
    """
    known = await holdings.lock(session, tenants_of(rows))
    errors: list[Fault] = []
    for place, row in enumerate(rows):
        errors += [
            (f"/plans/{place}{below}", detail) for below, detail in await _faults(session, row, clocks)
        ]
    if errors:
        raise ImportRefused(errors[:MOST_ERRORS])
    for row in rows:
        if isinstance(row, LegacyPlan):
            await _take_over(session, row, known[row.tenant_id], by=by, now=clocks[row.tenant_id])


async def _faults(session: Session, row: LegacyPlan | Unfit, clocks: Mapping[UUID, datetime]) -> list[Fault]:
    """All that is wrong with a row. Links its subscription, for another tenant's link shows in no other way."""
    faults: list[Fault] = []
    name = owner = ""  # of what is no plan, and is undone with all the rest
    if isinstance(row, Unfit):
        faults += row.faults
    else:
        name, owner = row.display_name, row.owner
    if row.tenant_id is None:
        return faults
    if row.started_at is not None and row.started_at > clocks[row.tenant_id]:
        faults.append(("/started_at", "A plan cannot have started in the future."))
    if row.subscription_id is not None and not await subscriptions.link_for(
        session, row.subscription_id, name, tenant_id=row.tenant_id, owner=owner
    ):
        faults.append(("/subscription_id", "The subscription is linked already."))
    return faults


async def _take_over(session: Session, row: LegacyPlan, known: Known, *, by: str, now: datetime) -> None:
    plan = imported(
        subscription_id=row.subscription_id,
        tenant_id=row.tenant_id,
        price_plan=row.price_plan,
        committed_devices=row.committed_devices,
        sites=row.sites,
        started_at=row.started_at,
        now=now,
    )
    state = events.state_of(plan, known, now=now)
    ot_plans.add(session, plan)
    await plan_terms.add(session, plan, at=now)
    events.added(session, plan, state, now=now)
    audit.record(
        session,
        "plan.imported",
        tenant_id=plan.tenant_id,
        subscription_id=plan.subscription_id,
        actor=by,
        at=now,
        resource=f"plan/{plan.subscription_id}",
        before=None,
        after=state,
    )
    trial_is_over = plan.price_plan != row.price_plan
    if row.enterprise_iot and not trial_is_over:
        begin_legacy(session, plan.subscription_id, tenant_id=plan.tenant_id, by=by, at=now)
