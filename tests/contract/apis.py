"""How do both apis run by themselves, with a database and no Kafka?"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import orjson

from deploy.local.ports import HOST, Ports
from services.licensing import app as licensing
from services.licensing.store.catalog import Catalog
from services.plans import app as plans
from shared.activation.keys import SigningKey, write_private
from shared.db.database import connect
from shared.process import serve
from shared.settings import ServiceSettings
from tests.support.eventually import eventually
from tests.support.listens import listens
from tests.support.service_calls import SIGNING_KEY


def settings_in(folder: Path, database_url: str = "postgresql://nowhere") -> ServiceSettings:
    """Settings of an api that believes the tokens of these tests; its keys lie in `folder`."""
    keys = folder / "internal-keys.json"
    keys.write_bytes(orjson.dumps({"keys": [SIGNING_KEY.as_dict(private=False)]}))
    activation = folder / "activation-keys.json"
    activation.write_bytes(write_private([SigningKey.new()]))
    return ServiceSettings.model_validate(
        {
            "DATABASE_URL": database_url,
            "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
            "internal_keys": keys,
            "signing_keys": activation,
        }
    )


@asynccontextmanager
async def serving(database_url: str, folder: Path) -> AsyncIterator[dict[str, str]]:
    """The address of each service."""
    settings = settings_in(folder, database_url)
    async with AsyncExitStack() as open_:
        databases = {
            schema: await open_.enter_async_context(
                connect(database_url, role=f"{schema}_app", schema=schema, size=4, application="contract")
            )
            for schema in (licensing.SCHEMA, plans.SCHEMA)
        }
        catalog = await Catalog.load(databases[licensing.SCHEMA])
        apps = {
            "licensing": licensing.api_app(databases[licensing.SCHEMA], catalog, settings),
            "plans": plans.api_app(databases[plans.SCHEMA], settings),
        }
        ports = Ports()
        at = {name: ports.take() for name in apps}
        tasks = [asyncio.create_task(serve(app, host=HOST, port=at[name])) for name, app in apps.items()]
        try:
            await eventually(lambda: _listen(at.values()))
            yield {name: f"http://{HOST}:{port}" for name, port in at.items()}
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _listen(ports: Iterable[int]) -> bool:
    return all([await listens(port) for port in ports])
