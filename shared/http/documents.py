"""How routes appear in the OpenAPI document.

Our routes take the request as it is and check it in the contract's order (shared/http/call.py), so what
FastAPI would read from a signature is said here instead.
"""

import re
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, ClassVar, Final, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response

from shared.http import problems
from shared.http.call import Query
from shared.http.write import DryRun

_REF: Final = "#/components/schemas/{model}"
_bodies: Final[set[type[BaseModel]]] = set()


class Coded(Protocol):
    """An error class of a service's own."""

    code: ClassVar[str]


class Direct(APIRoute):
    """A route whose endpoint is handed the request and answers it, with nothing in between."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        extra = dict(options.get("openapi_extra") or {})
        extra["parameters"] = [
            *(
                {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                for name in _names(path)
            ),
            *extra.get("parameters", []),
        ]
        options["openapi_extra"] = extra
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        return self.endpoint


def documents(
    *,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    body: type[BaseModel] | None = None,
    query: type[Query] = Query,
    dry_run: bool = False,
    if_match: bool = False,
    errors: Iterable[type[Coded]] = (),
) -> dict[str, Any]:
    """What a route takes, answers and refuses, as options of its decorator; `status` is the success's."""
    extra: dict[str, Any] = {"parameters": [], "x-error-codes": [error.code for error in errors]}
    queries: list[type[BaseModel]] = [query, DryRun] if dry_run else [query]
    for model in queries:
        extra["parameters"] += [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in model.model_json_schema().get("properties", {}).items()
        ]
    if if_match:
        extra["parameters"].append(
            {"name": "If-Match", "in": "header", "required": True, "schema": {"type": "string"}}
        )
    if body is not None:
        _bodies.add(body)
        schema = {"$ref": _REF.format(model=body.__name__)}
        extra["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
        extra["x-error-codes"] += ["MalformedJson", "InvalidRequest"]
    return {
        "status_code": status,
        "response_model": None,
        "responses": {status: {"model": answer}} if answer is not None else {},
        "openapi_extra": extra,
    }


def describe(app: FastAPI, *, statuses: dict[str, int]) -> None:
    """Give the app a document that also names request bodies and, by the status of its code, every refusal."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = document.setdefault("components", {}).setdefault("schemas", {})
            models = sorted(_bodies, key=lambda model: model.__name__)
            _, definitions = models_json_schema(
                [(model, "validation") for model in models], ref_template=_REF
            )
            components.update(definitions.get("$defs", {}))
            components["Problem"] = _PROBLEM
            for operations in document["paths"].values():
                for operation in operations.values():
                    _name_refusals(operation, statuses)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


_ALWAYS: Final = {
    "Unauthenticated": 401,
    "AuthorizationFailed": 403,
    "MalformedJson": 400,
    "InvalidRequest": 422,
    "PreconditionRequired": 428,
    "PreconditionFailed": 412,
}
_PROBLEM: Final = {
    "type": "object",
    "description": "RFC 9457; `code` is stable, `errors` is there for bad input.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}


def _name_refusals(operation: dict[str, Any], statuses: dict[str, int]) -> None:
    codes: dict[int, list[str]] = {}
    known = _ALWAYS | statuses
    for code in ("Unauthenticated", "AuthorizationFailed", *operation.pop("x-error-codes", ())):
        codes.setdefault(known[code], []).append(code)
    for status, named in codes.items():
        operation["responses"][str(status)] = {
            "description": ", ".join(named),
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)
