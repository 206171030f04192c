"""How routes appear in the OpenAPI document.

Our routes take the request as it is and check it in the contract's order (shared/http/call.py), so what
FastAPI would read from a signature is said here instead. What holds for every route of a kind is added to
each (`describe`), so that a route names only what is its own.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, Literal, Protocol

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from shared.http import problems
from shared.http.call import Query
from shared.http.pages import Page
from shared.http.write import DryRun

_REF: Final = "#/components/schemas/{model}"
_bodies: Final[set[type[BaseModel]]] = set()


class Coded(Protocol):
    """An error class of a service's own."""

    code: ClassVar[str]


class Direct(APIRoute):
    """A route whose endpoint is handed the request and answers it (shared/http/routing.py)."""

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


def documents(
    *,
    answer: type[BaseModel] | None = None,
    status: int = 200,
    also: Mapping[int, str] | None = None,
    body: type[BaseModel] | None = None,
    query: type[Query] = Query,
    dry_run: bool = False,
    if_match: Literal["honored", "needed"] | None = None,
    forms: Iterable[str] = (),
    errors: Iterable[type[Coded]] = (),
) -> dict[str, Any]:
    """What a route takes, answers and refuses, as options of its decorator.

    `status` is the success's; `also` has further ones with the same answer, and when they come. `if_match`:
    whether `If-Match` is checked when sent, or has to be sent. `forms` are media types besides JSON that
    `Accept` can ask for.
    """
    models: list[type[BaseModel]] = [query, DryRun] if dry_run else [query]
    extra: dict[str, Any] = {
        "parameters": [parameter for model in models for parameter in _query_parameters(model)],
        "x-error-codes": [error.code for error in errors],
    }
    if if_match is not None:
        extra["parameters"].append(_header("If-Match", required=if_match == "needed"))
        extra["x-error-codes"].append("PreconditionFailed")
    if if_match == "needed":
        extra["x-error-codes"].append("PreconditionRequired")
    successes = {} if answer is None else _successes(answer, status, also or {}, dry_run=dry_run)
    for form in forms:
        successes[status].setdefault("content", {})[form] = {"schema": {"type": "string", "format": "binary"}}
    if forms:
        extra["x-error-codes"].append("NotAcceptable")
    if body is not None:
        _bodies.add(body)
        content = {"schema": {"$ref": _REF.format(model=body.__name__)}, "example": _example(body)}
        needed = any(field.is_required() for field in body.model_fields.values())
        extra["requestBody"] = {"required": needed, "content": {"application/json": content}}
    return {
        "status_code": status,
        "response_model": None,
        "responses": successes,
        "openapi_extra": extra,
    }


def describe(app: FastAPI, *, statuses: dict[str, int]) -> None:
    """Give the app a document that also names request bodies and, by the status of its code, every refusal."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, routes=app.routes)
            components = document.setdefault("components", {})
            components.setdefault("schemas", {}).update(_body_schemas(document), Problem=_PROBLEM)
            components["securitySchemes"] = {"gateway": _GATEWAY}
            document["security"] = [{"gateway": []}]
            for operations in document["paths"].values():
                for method, operation in operations.items():
                    _add_what_its_kind_has(method, operation)
                    _name_refusals(operation, _OURS | statuses)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend it


_OURS: Final = {
    "MalformedJson": 400,
    "Unauthenticated": 401,
    "AuthorizationFailed": 403,
    "NotAcceptable": 406,
    "RequestInProgress": 409,
    "PreconditionFailed": 412,
    "ContentTooLarge": 413,
    "UnsupportedMediaType": 415,
    "InvalidRequest": 422,
    "IdempotencyKeyReused": 422,
    "PreconditionRequired": 428,
    "ServiceUnavailable": 503,
}
_ALWAYS: Final = ("Unauthenticated", "AuthorizationFailed", "InvalidRequest", "ServiceUnavailable")
_WITH_A_BODY: Final = ("MalformedJson", "ContentTooLarge", "UnsupportedMediaType", "RequestInProgress")
_GATEWAY: Final = {
    "type": "http",
    "scheme": "bearer",
    "bearerFormat": "JWT",
    "description": "The gateway's own token, which names the caller and lasts a minute.",
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


def _successes(
    answer: type[BaseModel], status: int, also: Mapping[int, str], *, dry_run: bool
) -> dict[int | str, dict[str, Any]]:
    successes: dict[int | str, dict[str, Any]] = {status: {"model": answer}}
    if dry_run and status != 200:
        successes[200] = {"model": answer, "description": "Dry run: what the call would answer."}
    for other, meaning in also.items():
        empty = other == 204
        successes[other] = {"description": meaning} if empty else {"model": answer, "description": meaning}
    if issubclass(answer, Page):
        successes[status]["headers"] = {"Link": _LINK}
    return successes


_LINK: Final = {"description": 'The next page, as `<…>; rel="next"`.', "schema": {"type": "string"}}
_ETAG: Final = {"required": True, "schema": {"type": "string", "pattern": '^"[0-9]+-[0-9a-f]+"$'}}


def _query_parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    schema = model.model_json_schema()
    needed = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in needed, "schema": _without_null(of_one)}
        for name, of_one in schema.get("properties", {}).items()
    ]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """What may be left out is left out: a query has no way to say null."""
    given: list[dict[str, Any]] = [one for one in schema.get("anyOf", []) if one != {"type": "null"}]
    if len(given) != 1:
        return schema
    return {name: value for name, value in schema.items() if name not in {"anyOf", "default"}} | given[0]


def _example(body: type[BaseModel]) -> Any:
    """The first example that the model gives; a body of no fields has only one."""
    examples = body.model_json_schema().get("examples") or [{}]
    return examples[0]


def _header(name: str, *, required: bool = False, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": {"type": "string", **schema}}


def _body_schemas(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas of the bodies that this document refers to: other services may live in the same process."""
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    named = {
        content["schema"]["$ref"]
        for operation in operations
        for content in operation.get("requestBody", {}).get("content", {}).values()
    }
    models = sorted(
        (model for model in _bodies if _REF.format(model=model.__name__) in named),
        key=lambda model: model.__name__,
    )
    _, definitions = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas: dict[str, Any] = definitions.get("$defs", {})
    return schemas


def _add_what_its_kind_has(method: str, operation: dict[str, Any]) -> None:
    codes: list[str] = operation.setdefault("x-error-codes", [])
    codes += _ALWAYS
    if "requestBody" in operation:
        codes += _WITH_A_BODY
    if method in {"post", "patch"}:
        codes.append("IdempotencyKeyReused")
        operation["parameters"].append(_header("Idempotency-Key", minLength=1, maxLength=255))
    success = operation["responses"].get("200", {})
    if method == "get" and "Link" not in success.get("headers", {}):
        success["headers"] = {"ETag": _ETAG}
        operation["parameters"].append(_header("If-None-Match"))
        operation["responses"]["304"] = {"description": "It is still as the caller knows it."}


def _name_refusals(operation: dict[str, Any], statuses: dict[str, int]) -> None:
    codes: dict[int, list[str]] = {}
    for code in operation.pop("x-error-codes"):
        codes.setdefault(statuses[code], []).append(code)
    for status, named in sorted(codes.items()):
        operation["responses"][str(status)] = {
            "description": ", ".join(named),
            "content": {problems.MEDIA_TYPE: {"schema": {"$ref": _REF.format(model="Problem")}}},
        }


def _names(path: str) -> list[str]:
    return re.findall(r"{(\w+)}", path)
