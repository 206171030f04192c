"""The order of work of issuing an activation file for management consoles."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.plans.commands.settle_notices import settle_notices
from services.plans.domain.console_file import ConsoleFile, claims_of, devices_of
from services.plans.domain.errors import NoPlan
from services.plans.signing import ActivationKeys
from services.plans.store import audit, console_files, holdings
from shared.db.database import Session
from shared.ids import new_id


async def issue_console_file(
    session: Session, subscription_ids: Collection[UUID], keys: ActivationKeys, *, by: str, now: datetime
) -> ConsoleFile:
    """A file with the summed figures of these subscriptions' plans as they are now (B72).

    Raises NoPlan where one has none that is on.
    """
    tenant = session.tenant_id
    held = (await holdings.lock(session, [tenant]))[tenant].holdings
    await session.flush()
    plans = await console_files.counted(session, tenant)
    wanted = sorted(set(subscription_ids))
    for subscription in wanted:
        if subscription not in plans:
            raise NoPlan(subscription)
    serial = await console_files.last_serial(session) + 1
    issued_at = now.replace(microsecond=0)
    devices = devices_of([plans[subscription] for subscription in wanted], held)
    claims = claims_of(
        tenant_id=tenant, subscription_ids=wanted, devices=devices, issued_at=issued_at, serial=serial
    )
    issued = ConsoleFile(
        id=new_id(),
        tenant_id=tenant,
        serial=serial,
        subscription_ids=tuple(wanted),
        devices=devices,
        issued_at=issued_at,
        superseded_at=None,
        file=keys.sign(claims),
    )
    replaced = [
        one for one in await console_files.covering(session, wanted) if one.planned(plans) == set(wanted)
    ]
    await settle_notices(session, about=[one.resource for one in replaced], wanted=[], at=now)
    console_files.add(session, issued)
    for subscription in wanted:
        audit.record(
            session,
            "console_file.issued",
            tenant_id=tenant,
            subscription_id=subscription,
            actor=by,
            at=now,
            resource=issued.resource,
            before=None,
            after={"serial": serial, "devices": devices},
        )
    return issued
