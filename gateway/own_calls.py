"""The gateway's own calls, as OpenAPI says them."""

from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from gateway.dev_issuer import TokenRequest
from gateway.test_clock import Advancement, ClockOut, Creation, OperationOut

VERSION: Final = "0.1.0"
_ABOUT: Final = (
    "Sells, tracks and applies site licenses for OT security monitoring. Every answer carries `X-Request-Id` and, "
    "once the caller is known, `RateLimit`; every refusal is a problem document (RFC 9457) with a stable `code`."
)
_PROBLEM: Final = {
    "type": "object",
    "title": "Problem",
    "description": "A refusal (RFC 9457). More members may follow, as facts of the case.",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "code": {"type": "string", "description": "Stable: this is what a program should look at."},
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
_REF: Final = "#/components/schemas/{model}"


def own_calls(*, dev_issuer: bool, test_clocks: bool) -> dict[str, Any]:
    """An OpenAPI 3.1 document of what this gateway answers itself, as it is configured."""
    schemas: dict[str, Any] = {"Problem": _PROBLEM}
    paths: dict[str, Any] = {"/v1/openapi.json": {"get": _API_DOCUMENT}}
    if dev_issuer:
        schemas |= _schemas(TokenRequest)
        paths["/dev/tokens"] = {"post": _ISSUE_TOKEN}
    if test_clocks:
        schemas |= _schemas(Creation, Advancement, ClockOut, OperationOut)
        paths["/v1/test-clock"] = {"get": _SHOW_CLOCK, "put": _CREATE_CLOCK}
        paths["/v1/test-clock/advance"] = {"post": _ADVANCE_CLOCK}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Siteward", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _schemas(*models: type[BaseModel]) -> dict[str, Any]:
    _, definitions = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {"application/problem+json": {"schema": schema}}}


def _json(description: str, schema: str, **more: Any) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"description": description, "content": {"application/json": {"schema": reference}}, **more}


def _body(schema: str, example: dict[str, Any]) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"required": True, "content": {"application/json": {"schema": reference, "example": example}}}


_BAD_BODY: Final = {
    "400": _problem("MalformedJson"),
    "413": _problem("ContentTooLarge"),
    "415": _problem("UnsupportedMediaType"),
    "422": _problem("InvalidRequest, with `errors`."),
}
_API_DOCUMENT: Final = {
    "tags": ["gateway"],
    "operationId": "get_api_document",
    "summary": "This document.",
    "security": [],
    "responses": {
        "200": {
            "description": "OpenAPI 3.1.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        },
        "503": _problem("ServiceUnavailable"),
    },
}
_ISSUE_TOKEN: Final = {
    "tags": ["gateway"],
    "operationId": "issue_development_token",
    "summary": "A token for anybody: the development issuer.",
    "security": [],
    "requestBody": _body(
        "TokenRequest",
        {
            "tenant_id": "0199b0c4-0000-7000-8000-000000000001",
            "principal": "ada",
            "roles": ["GlobalAdministrator", "BillingAdministrator"],
            "scopes": [],
            "expires_in": 3600,
        },
    ),
    "responses": {
        "200": {
            "description": "The token.",
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["access_token", "token_type", "expires_in"],
                        "properties": {
                            "access_token": {"type": "string"},
                            "token_type": {"const": "Bearer"},
                            "expires_in": {"type": "integer"},
                        },
                    }
                }
            },
        },
        **_BAD_BODY,
    },
}
_SHOW_CLOCK: Final = {
    "tags": ["test clock"],
    "operationId": "get_test_clock",
    "summary": "What time it is for this sandbox.",
    "responses": {
        "200": _json("The clock.", "ClockOut"),
        "409": _problem("NotASandbox: the tenant lives by the world's clock."),
    },
}
_CREATE_CLOCK: Final = {
    "tags": ["test clock"],
    "operationId": "create_test_clock",
    "summary": "Make the tenant a sandbox whose clock stands still until it is moved.",
    "description": "Needs GlobalAdministrator, and comes before anything else of the tenant.",
    "requestBody": _body("Creation", {"now": "2026-03-01T00:00:00Z"}),
    "responses": {
        "201": _json("The clock.", "ClockOut"),
        "403": _problem("AuthorizationFailed, with `required_roles`."),
        "409": _problem("NotASandbox: the tenant has a clock already, or data."),
        **_BAD_BODY,
    },
}
_ADVANCE_CLOCK: Final = {
    "tags": ["test clock"],
    "operationId": "advance_test_clock",
    "summary": "Let time pass: every due change is made at its own due time, in order.",
    "description": "Answers once the tenant is quiet at `to`; `to` = now only waits for that.",
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
        }
    ],
    "requestBody": _body("Advancement", {"to": "2026-04-01T00:00:00Z"}),
    "responses": {
        "200": _json("The clock has arrived.", "ClockOut"),
        "202": _json(
            "It takes longer than a few seconds.",
            "OperationOut",
            headers={
                "Operation-Location": {"schema": {"type": "string"}},
                "Retry-After": {"schema": {"type": "integer"}},
            },
        ),
        "409": _problem("NotASandbox, ClockMovesForward"),
        **_BAD_BODY,
    },
}
