"""The JSON Schema of each type's data, as other programs get to see it."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from shared.events.event import Event, dataschema

_READ_FIRST: Final = ("title", "description", "type", "properties", "required")
_READ_LAST: Final = "$defs"
_ANY_JSON: Final = "JsonValue"


class _Readable(GenerateJsonSchema):
    """Without a title for every field: its name is one already."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - the generator's signature
        return False


def schema_of(event: type[Event]) -> dict[str, Any]:
    """The schema of one type, complete in itself (JSON Schema 2020-12)."""
    schema = event.model_json_schema(schema_generator=_Readable)
    return {
        "$schema": _Readable.schema_dialect,
        "$id": dataschema(event.type),
        **_as_a_schema(schema),
    }


def schemas_of(events: Sequence[type[Event]], ref_template: str) -> dict[str, Any]:
    """The schemas of many types by model name, with what they share in it once."""
    _, document = models_json_schema(
        [(event, "validation") for event in events],
        ref_template=ref_template,
        schema_generator=_Readable,
    )
    return _named_schemas(document["$defs"])


def _as_a_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema without what binds only the writer, and in the order in which a person reads.

    A reader has to bear fields that it does not know, so objects stay open, and any JSON needs no definition.
    A description is one paragraph, however its source is wrapped.
    """
    read: dict[str, Any] = {}
    for keyword in sorted(schema, key=_reading_order):
        value = schema[keyword]
        if keyword == "additionalProperties" and (
            value is False or value.get("$ref", "").endswith(_ANY_JSON)
        ):
            continue
        if keyword in {"properties", "$defs"}:
            value = _named_schemas(value)
        elif keyword == "anyOf":
            value = [_as_a_schema(choice) for choice in value]
        elif keyword in {"items", "additionalProperties"}:
            value = _as_a_schema(value)
        elif keyword == "description":
            value = " ".join(value.split())
        if value != {}:
            read[keyword] = value
    return read


def _named_schemas(schemas: dict[str, Any]) -> dict[str, Any]:
    return {name: _as_a_schema(schema) for name, schema in schemas.items() if name != _ANY_JSON}


def _reading_order(keyword: str) -> tuple[int, str]:
    if keyword in _READ_FIRST:
        return _READ_FIRST.index(keyword), ""
    return len(_READ_FIRST) + (keyword == _READ_LAST), keyword
