"""Which calls are there: the documents of both services and the gateway's own calls as one."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

import orjson

from gateway.own_calls import own_calls
from gateway.upstream import Upstream
from shared.http.problems import Refused, unavailable

Document: TypeAlias = dict[str, Any]

_FRESH: Final = 60.0
"""Seconds for which a merged document is served without asking the services again."""
_METHODS: Final = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
_ASKED_AGAIN: Final = 5.0
"""Seconds after which services that did not answer are asked again."""
_REF: Final = "#/components/"
_FROM_THE_GATEWAY: Final = {
    "401": "Unauthenticated: no token, or none that is believed.",
    "429": "RateLimited: the token or its tenant has asked too much; see Retry-After.",
    "503": "ServiceUnavailable: send it again in a moment, with the same Idempotency-Key.",
}

_log: Final = logging.getLogger(__name__)


class ApiDocument:
    """`GET /v1/openapi.json`, put together when asked for and kept for a minute."""

    def __init__(self, upstreams: Iterable[Upstream], *, dev_issuer: bool, test_clocks: bool) -> None:
        self._upstreams = list(upstreams)
        self._own = own_calls(dev_issuer=dev_issuer, test_clocks=test_clocks)
        self._merged: Document | None = None
        self._body = b""
        self._merged_at = 0.0
        self._merging = asyncio.Lock()

    async def document(self) -> Document:
        """The document as a value. Raises Refused (503) while a service has never told its part."""
        async with self._merging:
            if self._merged is None or time.monotonic() - self._merged_at > _FRESH:
                await self._merge()
        if self._merged is None:
            raise Refused(unavailable())
        return self._merged

    async def body(self) -> bytes:
        """The document as JSON. Raises as `document`."""
        await self.document()
        return self._body

    async def _merge(self) -> None:
        try:
            parts = await asyncio.gather(*(_part_of(one) for one in self._upstreams))
        except (Refused, orjson.JSONDecodeError):
            _log.warning("a service does not tell its part of the API document")
            if self._merged is not None:  # an older document is better than none
                self._merged_at = time.monotonic() - _FRESH + _ASKED_AGAIN
            return
        named = zip(self._upstreams, parts, strict=True)
        self._merged = merge({"Gateway": self._own} | {one.name.capitalize(): part for one, part in named})
        self._body = orjson.dumps(self._merged)
        self._merged_at = time.monotonic()


async def _part_of(upstream: Upstream) -> Document:
    answer = await upstream.ask("GET", "/openapi.json")
    if answer.status != 200:
        raise Refused(unavailable())
    document: Document = orjson.loads(answer.body)
    return document


def merge(parts: Mapping[str, Document]) -> Document:
    """One document of several, the first of which gives title, version and security.

    Components of one name and different meaning get the name of their part in front, as do operation ids that
    occur twice. What is not for callers (`/internal/…`, health) is left out.
    """
    clashing = _clashing_names(parts)
    base = next(iter(parts.values()))
    merged: Document = {**base, "paths": {}, "components": {}}
    operation_ids: set[str] = set()
    for part_name, part in parts.items():
        own = _renamed(part, {name: part_name + name for name in clashing})
        if part is not base:
            _leave_to_the_gateway(own)
        for section, components in own.get("components", {}).items():
            merged["components"].setdefault(section, {}).update(components)
        for path, item in own.get("paths", {}).items():
            for operation in _operations(item):
                _make_id_unique(operation, part_name, operation_ids)
            merged["paths"].setdefault(path, {}).update(item)
    merged["paths"] = dict(sorted(merged["paths"].items()))
    _add_gateway_answers(merged["paths"], "GatewayProblem" if "Problem" in clashing else "Problem")
    return merged


def _leave_to_the_gateway(part: Document) -> None:
    """Take out what is not for callers, and how a service knows the gateway."""
    part.get("components", {}).pop("securitySchemes", None)
    part["paths"] = {
        path: item
        for path, item in part.get("paths", {}).items()
        if path.startswith(("/v1/", "/.well-known/"))
    }
    for path, item in part["paths"].items():
        for operation in _operations(item):
            operation.pop("security", None)
            if not path.startswith("/v1/"):
                operation["security"] = []


def _operations(item: Document) -> list[Document]:
    return [operation for method, operation in item.items() if method in _METHODS]


def _make_id_unique(operation: Document, part_name: str, taken: set[str]) -> None:
    operation_id = operation.get("operationId")
    if operation_id in taken:
        operation["operationId"] = operation_id = f"{part_name.lower()}_{operation_id}"
    if operation_id is not None:
        taken.add(operation_id)


def _add_gateway_answers(paths: Document, problem: str) -> None:
    """Say what the gateway may answer in place of a service."""
    content = {"application/problem+json": {"schema": {"$ref": f"{_REF}schemas/{problem}"}}}
    for item in paths.values():
        for operation in _operations(item):
            if operation.get("security") != []:
                for status, description in _FROM_THE_GATEWAY.items():
                    answer = {"description": description, "content": content}
                    operation.setdefault("responses", {}).setdefault(status, answer)


def _clashing_names(parts: Mapping[str, Document]) -> set[str]:
    """Component names that mean different things in different parts, by themselves or by what they refer to."""
    meanings: dict[tuple[str, str], list[Any]] = {}
    for part in parts.values():
        for section, components in part.get("components", {}).items():
            if section != "securitySchemes":
                for name, component in components.items():
                    meanings.setdefault((section, name), []).append(component)
    shared = {key: found for key, found in meanings.items() if len(found) > 1}
    clashing = {name for (_, name), found in shared.items() if any(one != found[0] for one in found)}
    while True:
        dragged_along = {
            name
            for (_, name), found in shared.items()
            if name not in clashing and not clashing.isdisjoint(_referred_to(found))
        }
        if not dragged_along:
            return clashing
        clashing |= dragged_along


def _referred_to(node: Any) -> set[str]:
    found: set[str] = set()

    def note(reference: str) -> str:
        found.add(reference.rpartition("/")[2])
        return reference

    _map_references(node, note)
    return found


def _renamed(part: Document, names: Mapping[str, str]) -> Document:
    def rename(reference: str) -> str:
        head, _, name = reference.rpartition("/")
        return f"{head}/{names.get(name, name)}"

    own: Document = _map_references(part, rename)
    own["components"] = {
        section: {names.get(name, name): component for name, component in components.items()}
        for section, components in own.get("components", {}).items()
    }
    return own


def _map_references(node: Any, change: Callable[[str], str]) -> Any:
    """A copy of `node` with every reference to a component changed, in `$ref`s and in discriminators."""
    if isinstance(node, dict):
        return {key: _map_references(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [_map_references(value, change) for value in node]
    if isinstance(node, str) and node.startswith(_REF):
        return change(node)
    return node
