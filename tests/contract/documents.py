"""What do the services say about themselves? Their OpenAPI documents, made without a server."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeAlias

from services.licensing.app import api_app as licensing_app
from services.licensing.store.catalog import Catalog
from services.plans.app import api_app as plans_app
from tests.contract.apis import settings_in

Document: TypeAlias = dict[str, Any]


def _documents() -> dict[str, Document]:
    unconnected: Any = None  # describing asks no database
    with TemporaryDirectory() as folder:
        settings = settings_in(Path(folder))
        return {
            "licensing": licensing_app(unconnected, Catalog([]), settings).openapi(),
            "plans": plans_app(unconnected, settings).openapi(),
        }


DOCUMENTS: Final = _documents()
"""By service."""
