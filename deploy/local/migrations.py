"""Brings the schema and the topics of both services up to date, in one process."""

import importlib

_SERVICES = ("licensing", "plans")


def warm_up() -> None:
    """Import what `migrate` needs, and what tells whether a process serves: slow, so while servers start."""
    for module in ("asyncpg", "aiokafka", "aiohttp", *map(_module, _SERVICES)):
        importlib.import_module(module)


async def migrate(database_url: str, kafka: str) -> None:
    """Safe to run again, and by several at once."""
    from shared.settings import ServiceSettings  # noqa: PLC0415 - slow to import, and the servers can start meanwhile

    settings = ServiceSettings.model_validate(
        {"DATABASE_URL": database_url, "KAFKA_BOOTSTRAP_SERVERS": kafka}
    )
    for service in _SERVICES:
        await importlib.import_module(_module(service)).migrate(settings)


def _module(service: str) -> str:
    return f"services.{service}.migrate"
