"""Which service answers a path, and under which name a path is counted."""

from typing import Final

LICENSING: Final = "licensing"
PLANS: Final = "plans"

PUBLIC_KEYS: Final = "/.well-known/siteward-keys"
"""The one path of a service that asks for no token."""

_SERVICES: Final = {
    "audit-events": LICENSING,
    "invoices": LICENSING,
    "license-summary": LICENSING,
    "licenses": LICENSING,
    "products": LICENSING,
    "console-activation-files": PLANS,
    "enterprise-iot": PLANS,
    "entitlement-checks": PLANS,
    "legacy-plans": PLANS,
    "notices": PLANS,
    "operations": PLANS,
    "plans": PLANS,
    "subscriptions": PLANS,
}

# fmt: off
# Every fixed word of a route after its first; whatever else stands in a path is an id.
_WORDS: Final = frozenset({
    "activate", "activation-file", "advance", "audit-events", "cancel", "convert", "device-observations",
    "enterprise-iot", "entitlements", "estimate", "extend-trial", "import", "plan", "preview", "reactivate",
    "role-assignments", "sensors", "sites", "statements", "undo", "verification",
})
# fmt: on
_DEEPEST: Final = 8
_ROUTES_COUNTED: Final = 200
_OTHER: Final = "other"


def service_for(path: str) -> str | None:
    """The service that answers a `/v1/…` path; None where there is nothing.

    A path with a dot segment leads nowhere, so that none leads to what a service shows to the gateway alone.
    """
    if "/." in path and not {".", ".."}.isdisjoint(path.split("/")):
        return None
    return _SERVICES.get(path[4:].partition("/")[0])


class RouteNames:
    """The template of a path (`/v1/licenses/{id}/cancel`), of which there are only so many.

    One is remembered once a service has `answered` under it, so that nobody fills the room with paths that are none.
    """

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, path: str, *, answered: bool) -> str:
        if not path.startswith("/v1/"):
            return path
        first, *rest = path[4:].split("/")[:_DEEPEST]
        name = "/".join(["/v1", first, *(part if part in _WORDS else "{id}" for part in rest)])
        if name not in self._known:
            if not answered or len(self._known) >= _ROUTES_COUNTED:
                return _OTHER
            self._known.add(name)
        return name
