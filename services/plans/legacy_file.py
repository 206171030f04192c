"""Takes over legacy plans from an operator's file: `python -m services.plans import-legacy FILE`."""

import asyncio
import sys
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from services.plans.api.legacy_import import SentImport
from services.plans.commands.import_legacy import (
    ImportRefused,
    LegacyPlan,
    Unfit,
    import_legacy,
    tenants_of,
)
from shared.db.database import connect
from shared.db.sandbox import Clocks
from shared.http.faults import errors_of
from shared.settings import ServiceSettings

ACTOR: Final = "siteward.operator"
"""Who the audit says it was."""


async def import_file(settings: ServiceSettings, file: Path) -> None:
    """Take over the file's plans, all or none; the file is what `POST /v1/legacy-plans/import` takes.

    What is wrong is said row by row, and ends the process with code 1. Running processes follow at once.
    """
    try:
        rows = _read(await asyncio.to_thread(file.read_bytes))
        tenants = tenants_of(rows)
        async with (
            connect(
                str(settings.database_url),
                role="plans_app",
                schema="plans",
                size=1,
                application="siteward plans import",
            ) as database,
            database.begin(*tenants) as session,
        ):
            clock = Clocks(sandboxes=settings.test_clocks)
            clocks = {tenant: await clock.now_for_write(session, tenant) for tenant in tenants}
            await import_legacy(session, rows, by=ACTOR, clocks=clocks)
    except (OSError, ImportRefused) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    print(f"{len(rows)} plans taken over")


def _read(file: bytes) -> list[LegacyPlan | Unfit]:
    """Raises ImportRefused."""
    try:
        return SentImport.model_validate_json(file).rows()
    except ValidationError as error:
        raise ImportRefused([(one["pointer"] or "/", one["detail"]) for one in errors_of(error)]) from error
