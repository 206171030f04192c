"""Takes an operator's file into the catalog: `python -m services.licensing catalog FILE`."""

import asyncio
import sys
from pathlib import Path

from services.licensing.commands.replace_catalog import CatalogRefused, replace_catalog, versions_in
from shared.db.database import connect
from shared.settings import ServiceSettings


async def catalog(settings: ServiceSettings, file: Path) -> None:
    """Add the file's versions as the owner of the database, all or none; safe to repeat.

    What is wrong is said row by row, and ends the process with code 1. Running processes follow by themselves
    within half a minute.
    """
    try:
        versions = versions_in(await asyncio.to_thread(file.read_bytes))
        async with (
            connect(
                str(settings.database_url),
                role=None,
                schema="licensing",
                size=1,
                application="siteward licensing catalog",
            ) as database,
            database.begin() as session,
        ):
            added = await replace_catalog(session, versions)
    except (OSError, CatalogRefused) as error:
        print(error, file=sys.stderr)
        raise SystemExit(1) from None
    print(f"{added} new in the catalog, {len(versions) - added} were there already")
