"""What does a request look like to the code that answers it?"""

from typing import Any, Final, cast
from uuid import UUID

from joserfc.jwk import KeySet, OKPKey
from starlette.applications import Starlette
from starlette.requests import Request

from shared.db.database import Database
from shared.db.sandbox import Clocks
from shared.http.call import Served
from shared.identity import InternalTokens, Principal

TENANT_ID: Final = UUID("5b0e5f9c-7f4e-4b0c-9d55-3a1f0d4f6a11")
_KEYS: Final = KeySet([OKPKey.generate_key("Ed25519", auto_kid=True)])
_NO_POOL: Final = cast("Any", None)  # nothing here reaches a database


def a_request(
    path: str = "/v1/things", query: str = "", *, method: str = "GET", headers: dict[str, str] | None = None
) -> Request:
    """A request of a caller without roles, to a service that knows no errors of its own."""
    app = Starlette()
    app.state.served = Served(
        Database(_NO_POOL), InternalTokens(_KEYS), Clocks(sandboxes=False), lambda _: None
    )
    return Request(
        {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [
                (name.lower().encode(), value.encode("latin-1")) for name, value in (headers or {}).items()
            ],
            "app": app,
            "principal": Principal("ada@example.com", TENANT_ID),
        }
    )
