"""Notices in PostgreSQL."""

from collections.abc import Collection
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ARRAY, Boolean, Text, Uuid, and_, bindparam, cast, literal, or_, select

from services.plans.domain.device_limit import CODES, site_resource
from services.plans.domain.notice import ABOUT_LICENSES, SEEN_WITH_A_PLAN, Notice, OpenNotice
from services.plans.domain.service_notices import plan_resource
from services.plans.store.console_files import SEEN
from services.plans.store.tables import console_files, notices, plans, role_assignments
from shared.db.database import Record, Session
from shared.db.statement import Statement
from shared.identity import Principal

_CODES: Final = cast(bindparam("codes"), ARRAY(Text))
_LOCK_OPEN: Final = Statement(
    select(notices)
    .where(
        notices.c.tenant_id == bindparam("tenant"),
        notices.c.resource == cast(bindparam("about"), ARRAY(Text)).any_(),
        notices.c.cleared_at.is_(None),
        or_(_CODES.is_(None), notices.c.code == _CODES.any_()),
    )
    .order_by(notices.c.id)
    .with_for_update()
)
_OPEN_CODES: Final = Statement(
    select(notices.c.code, notices.c.resource).where(
        notices.c.tenant_id == bindparam("tenant"),
        notices.c.resource == cast(bindparam("about"), ARRAY(Text)).any_(),
        notices.c.cleared_at.is_(None),
        notices.c.code == _CODES.any_(),
    )
)
_ABOUT_LICENSES: Final = cast(bindparam("about_licenses"), ARRAY(Text))
_SEEN_WITH_A_PLAN: Final = cast(bindparam("seen_with_a_plan"), ARRAY(Text))
_CONSOLE_FILE: Final = literal("console-activation-file/")
_NARROWED: Final = cast(bindparam("subscription"), Uuid)
_MINE: Final = select(role_assignments.c.subscription_id).where(
    role_assignments.c.tenant_id == bindparam("tenant"),
    role_assignments.c.principal == bindparam("principal"),
    or_(_NARROWED.is_(None), role_assignments.c.subscription_id == _NARROWED),
)
_IS_MINE: Final = notices.c.subscription_id.in_(_MINE)
_A_PLAN_OF_MINE: Final = (
    select(plans.c.subscription_id)
    .where(plans.c.tenant_id == bindparam("tenant"), plans.c.status != "cancelled")
    .where(plans.c.subscription_id.in_(_MINE))
    .exists()
)
# A console's file covers several subscriptions, so that a notice about one belongs to none.
_A_FILE_OF_MINE: Final = (
    select(console_files.c.id)
    .where(
        console_files.c.tenant_id == bindparam("tenant"),
        _CONSOLE_FILE + cast(console_files.c.id, Text) == notices.c.resource,
        SEEN,
        or_(_NARROWED.is_(None), console_files.c.subscription_ids.has_key(cast(_NARROWED, Text))),
    )
    .exists()
)
_LIST: Final = Statement(
    select(notices)
    .where(
        notices.c.tenant_id == bindparam("tenant"),
        notices.c.cleared_at.is_(None),
        notices.c.id > bindparam("after"),
        or_(
            _IS_MINE,
            and_(notices.c.subscription_id.is_(None), _A_FILE_OF_MINE),
            and_(
                _NARROWED.is_(None),
                or_(
                    and_(
                        bindparam("reads_licenses", type_=Boolean), notices.c.code == _ABOUT_LICENSES.any_()
                    ),
                    and_(notices.c.code == _SEEN_WITH_A_PLAN.any_(), _A_PLAN_OF_MINE),
                ),
            ),
        ),
    )
    .order_by(notices.c.id)
    .limit(bindparam("most"))
)


async def page(
    session: Session,
    *,
    seen_by: Principal,
    reads_licenses: bool,
    subscription_id: UUID | None,
    after: UUID | None,
    most: int,
) -> list[OpenNotice]:
    """The open notices that the caller may see, oldest first.

    Those of the subscriptions on which they have a role, or of this one alone, with the console files that they may
    see; and, asked for no subscription, those about licenses if `reads_licenses`, and what is seen with a plan.
    """
    rows = await session.rows(
        _LIST,
        tenant=seen_by.tenant_id,
        principal=seen_by.id,
        reads_licenses=reads_licenses,
        about_licenses=ABOUT_LICENSES,
        seen_with_a_plan=SEEN_WITH_A_PLAN,
        subscription=subscription_id,
        after=after or UUID(int=0),
        most=most,
    )
    return [_open(row) for row in rows]


async def on_devices(
    session: Session, subscription_id: UUID, sites: Collection[str]
) -> dict[str, tuple[str, ...]]:
    """By site: the codes of what is open on the number of devices, for the site's size or the plan's commitment."""
    await session.flush()  # what the session itself raised or cleared counts
    plan = plan_resource(subscription_id)
    about = {site: (site_resource(subscription_id, site), plan) for site in sites}
    asked = {resource for resources in about.values() for resource in resources}
    rows = await session.rows(_OPEN_CODES, tenant=session.tenant_id, about=list(asked), codes=list(CODES))
    codes = {row["resource"]: row["code"] for row in rows}  # a site and a plan have one of these each
    return {
        site: tuple(codes[resource] for resource in resources if resource in codes)
        for site, resources in about.items()
    }


async def lock_open(
    session: Session, tenant_id: UUID, about: Collection[str], *, codes: Collection[str] | None
) -> list[OpenNotice]:
    """The open notices about these resources, of these codes only unless null."""
    if any(table is notices for table, _, _ in session.writes.rows):
        await session.flush()  # what the session itself raised or cleared counts
    rows = await session.rows(
        _LOCK_OPEN, tenant=tenant_id, about=list(about), codes=None if codes is None else list(codes)
    )
    return [_open(row) for row in rows]


def add(session: Session, raised: OpenNotice) -> None:
    session.writes.insert(
        notices,
        id=raised.id,
        tenant_id=raised.tenant_id,
        subscription_id=raised.notice.subscription_id,
        code=raised.notice.code,
        resource=raised.notice.resource,
        text=raised.notice.text,
        link=raised.notice.link,
        since=raised.since,
        version=raised.version,
    )


def clear(session: Session, cleared: OpenNotice, *, at: datetime) -> None:
    """Write that the notice, which the session has locked, is open no longer."""
    session.writes.update(notices, id=cleared.id, cleared_at=at, version=cleared.version)


def _open(row: Record) -> OpenNotice:
    notice = Notice(row["code"], row["resource"], row["subscription_id"], row["text"], row["link"])
    return OpenNotice(row["id"], row["tenant_id"], notice, row["since"], row["version"])
