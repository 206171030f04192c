"""Brings plans' schema up to date and makes its topic."""

from pathlib import Path
from typing import Final

from shared.db.migrate import migrate_schema
from shared.events.topics import PLANS
from shared.kafka.admin import ensure_topic
from shared.settings import ServiceSettings

_VERSIONS: Final = Path(__file__).parent / "migrations"


async def migrate(settings: ServiceSettings) -> None:
    """Safe to repeat, and to run from several places at once."""
    await migrate_schema(str(settings.database_url), schema="plans", versions=_VERSIONS)
    await ensure_topic(
        settings.kafka_bootstrap_servers,
        PLANS,
        partitions=settings.partitions,
        replication=settings.replication,
    )
