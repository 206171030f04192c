"""What do the services say about themselves? Their OpenAPI documents, made without a server."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

import orjson

from services.licensing.app import api_app as licensing_app
from services.licensing.store.catalog import Catalog
from services.plans.app import api_app as plans_app
from shared.settings import ServiceSettings
from tests.support.service_calls import SIGNING_KEY

Document: TypeAlias = dict[str, Any]


def _documents() -> dict[str, Document]:
    unconnected: Any = None  # describing asks no database
    with TemporaryDirectory() as folder:
        keys = Path(folder) / "internal-keys.json"
        keys.write_bytes(orjson.dumps({"keys": [SIGNING_KEY.as_dict(private=False)]}))
        settings = ServiceSettings.model_validate(
            {
                "DATABASE_URL": "postgresql://nowhere",
                "KAFKA_BOOTSTRAP_SERVERS": "nowhere",
                "internal_keys": keys,
            }
        )
        return {
            "licensing": licensing_app(unconnected, Catalog([]), settings).openapi(),
            "plans": plans_app(unconnected, settings).openapi(),
        }


DOCUMENTS: Final = _documents()
"""By service."""
