"""What time does by itself, in order and each thing as of its due time, however late it is done."""

from datetime import datetime

from services.plans.commands.close_statements import close_due
from services.plans.commands.devices_idle import devices_due, sweep_devices
from services.plans.commands.enterprise_iot import enterprise_iot_due
from services.plans.commands.stop_service import service_due
from services.plans.commands.take_effect import plans_due
from services.plans.store import due
from shared.db.database import Session


async def pass_time(session: Session, now: datetime, settled: datetime) -> bool:
    """Do what is due next for the session's tenant, which is locked; false where nothing is due by `now`.

    One call does things of one kind that are due at one moment, up to a number that one transaction carries well.
    A month is closed once all that was written in it is settled.
    """
    found = await due.of_tenant(session)
    at, month_end = found.change, found.month_end
    if month_end is not None and month_end <= settled and (at is None or month_end <= at):
        await close_due(session, month_end)
        return True
    if at is None or at > now:
        return await sweep_devices(session, now)
    if found.service == at:
        await service_due(session, at)
    elif found.plans == at:
        await plans_due(session, at)
    elif found.enterprise_iot == at:
        await enterprise_iot_due(session, at)
    else:
        await devices_due(session, at)
    return True
