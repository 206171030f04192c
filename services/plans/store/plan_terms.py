"""What plans cost, and from when to when, in PostgreSQL; and the price book of legacy plans."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, cast, or_, select, update

from services.plans.domain.ot_plan import OtPlan
from services.plans.domain.statement import Terms
from services.plans.store.tables import legacy_prices, plan_terms
from shared.db.database import Session
from shared.db.statement import Statement

_RATE: Final = Statement(
    select(legacy_prices.c.rate, legacy_prices.c.currency)
    .where(
        legacy_prices.c.price_plan == bindparam("price_plan"),
        legacy_prices.c.effective_from <= bindparam("at"),
    )
    .order_by(legacy_prices.c.effective_from.desc())
    .limit(1)
)
_END: Final = Statement(
    update(plan_terms)
    .where(
        plan_terms.c.tenant_id == bindparam("tenant"),
        plan_terms.c.subscription_id == bindparam("subscription"),
        plan_terms.c.ends_at.is_(None),
    )
    .values(ends_at=bindparam("at"))
    .returning(plan_terms.c.version)
)
_SINCE: Final = Statement(
    select(plan_terms)
    .where(
        plan_terms.c.tenant_id == bindparam("tenant"),
        plan_terms.c.subscription_id == cast(bindparam("subscriptions"), ARRAY(Uuid)).any_(),
        or_(plan_terms.c.ends_at.is_(None), plan_terms.c.ends_at > bindparam("start")),
    )
    .order_by(plan_terms.c.subscription_id, plan_terms.c.starts_at, plan_terms.c.version)
)


async def begin(session: Session, plan: OtPlan, *, at: datetime) -> None:
    """Let the plan's terms be in effect from `at` on, at the price of that moment; those before end.

    Raises LookupError where the price book has no price of that moment for a legacy plan.
    """
    await end(session, plan.subscription_id, tenant_id=plan.tenant_id, at=at)
    await add(session, plan, at=at)


async def add(session: Session, plan: OtPlan, *, at: datetime) -> None:
    """The same for a plan on a subscription that had none just before; none to end, so one question less."""
    priced = await session.row(_RATE, price_plan=plan.price_plan, at=at) if plan.legacy else None
    if plan.legacy and priced is None:
        raise LookupError(f"no price of {plan.price_plan} plans at {at}")
    session.writes.insert(
        plan_terms,
        subscription_id=plan.subscription_id,
        version=plan.version,
        tenant_id=plan.tenant_id,
        starts_at=at,
        legacy=plan.legacy,
        price_plan=plan.price_plan,
        committed_devices=plan.committed_devices,
        sites=plan.sites,
        rate=None if priced is None else priced["rate"],
        currency=None if priced is None else priced["currency"],
    )


async def end(session: Session, subscription_id: UUID, *, tenant_id: UUID, at: datetime) -> None:
    """Let nothing be in effect from `at` on."""
    await session.rows(_END, tenant=tenant_id, subscription=subscription_id, at=at)


async def since(
    session: Session, subscription_ids: Collection[UUID], *, tenant_id: UUID, start: datetime
) -> dict[UUID, list[Terms]]:
    """The terms that were in effect at `start` or later, in order, by subscription."""
    rows = await session.rows(_SINCE, tenant=tenant_id, subscriptions=list(subscription_ids), start=start)
    found: dict[UUID, list[Terms]] = {subscription: [] for subscription in subscription_ids}
    for row in rows:
        found[row["subscription_id"]].append(
            Terms(
                version=row["version"],
                starts_at=row["starts_at"],
                ends_at=row["ends_at"],
                price_plan=row["price_plan"],
                committed_devices=row["committed_devices"],
                rate=row["rate"],
                currency=row["currency"],
            )
        )
    return found
