"""Is every change that a reader could stumble over caught, and every harmless one let through?"""

from copy import deepcopy
from typing import Any, Literal

import pytest
from pydantic import Field

from shared.events import generate
from shared.events.codec import EVENTS
from shared.events.compatibility import incompatibilities
from shared.events.event import Event
from shared.events.json_schema import schema_of
from shared.events.licensing import LicenseCancelled
from shared.events.topics import LICENSING
from shared.events.wire import WireModel


class Part(WireModel):
    name: str = Field(pattern="^[a-z]+$")
    size: Literal["S", "M"]
    count: int | None = Field(ge=1)


class Released(Event):
    type = "siteward.thing.made.v1"
    topic = LICENSING

    thing: Part
    parts: tuple[Part, ...]
    note: str | None = None


RELEASED = schema_of(Released)


def changed(**keywords: Any) -> dict[str, Any]:
    """The released schema with keywords of Part's `name` replaced."""
    schema = deepcopy(RELEASED)
    schema["$defs"]["Part"]["properties"]["name"] |= keywords
    return schema


def test_nothing_changed_is_compatible() -> None:
    assert incompatibilities(RELEASED, RELEASED) == []


@pytest.mark.parametrize("event", EVENTS.values(), ids=EVENTS.keys())
def test_the_released_schemas_can_be_told_from_one_another(event: type[Event]) -> None:
    assert incompatibilities(schema_of(event), schema_of(event)) == []
    assert incompatibilities(schema_of(event), RELEASED)


def test_an_additional_optional_field_is_compatible() -> None:
    schema = deepcopy(RELEASED)
    schema["$defs"]["Part"]["properties"]["color"] = {"type": "string", "default": "red"}
    schema["properties"]["remark"] = {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None}
    assert incompatibilities(RELEASED, schema) == []


def test_other_words_and_other_names_of_models_are_compatible() -> None:
    schema = deepcopy(RELEASED)
    schema["$defs"]["Component"] = schema["$defs"].pop("Part") | {"title": "Component", "description": "New."}
    schema["properties"]["thing"] = {"$ref": "#/$defs/Component", "description": "New."}
    schema["properties"]["parts"]["items"] = {"$ref": "#/$defs/Component"}
    assert incompatibilities(RELEASED, schema) == []


def test_a_field_that_is_gone_is_caught_wherever_it_was() -> None:
    schema = deepcopy(RELEASED)
    del schema["$defs"]["Part"]["properties"]["size"]
    schema["$defs"]["Part"]["required"].remove("size")
    assert incompatibilities(RELEASED, schema) == [
        "data.thing.size is gone, which older readers need or hope for",
        "data.parts[].size is gone, which older readers need or hope for",
    ]


def test_an_optional_field_that_is_gone_is_caught() -> None:
    schema = deepcopy(RELEASED)
    del schema["properties"]["note"]
    assert incompatibilities(RELEASED, schema) == ["data.note is gone, which older readers need or hope for"]


def test_an_additional_required_field_is_caught() -> None:
    schema = deepcopy(RELEASED)
    schema["properties"]["remark"] = {"type": "string"}
    schema["required"].append("remark")
    assert incompatibilities(RELEASED, schema) == [
        "data.remark is new and required, and older events lack it; give it a default"
    ]


def test_a_field_that_has_become_required_is_caught() -> None:
    schema = deepcopy(RELEASED)
    schema["required"].append("note")
    assert incompatibilities(RELEASED, schema) == [
        "data.note has become required, and older events may lack it"
    ]


def test_a_field_that_is_no_longer_required_is_caught() -> None:
    schema = deepcopy(RELEASED)
    schema["required"].remove("parts")
    assert incompatibilities(RELEASED, schema) == [
        "data.parts is no longer required, and older readers refuse an event without it"
    ]


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [
        (["S"], "data.thing.size no longer allows 'M', which older events may hold"),
        (["S", "M", "L"], "data.thing.size now allows 'L', which older readers refuse"),
        (None, "data.thing.size: `enum` was ['S', 'M'] and is absent"),
    ],
)
def test_a_closed_list_stays_as_it_is(sizes: list[str] | None, reason: str) -> None:
    schema = deepcopy(RELEASED)
    size = schema["$defs"]["Part"]["properties"]["size"]
    if sizes is None:
        del size["enum"]
    else:
        size["enum"] = sizes
    assert reason in incompatibilities(RELEASED, schema)


def test_the_order_of_a_closed_list_says_nothing() -> None:
    schema = deepcopy(RELEASED)
    schema["$defs"]["Part"]["properties"]["size"]["enum"] = ["M", "S"]
    assert incompatibilities(RELEASED, schema) == []


def test_another_type_is_caught() -> None:
    assert incompatibilities(RELEASED, changed(type="integer"))[0] == (
        "data.thing.name was of type string and is of type integer"
    )


@pytest.mark.parametrize(
    "keywords",
    [{"pattern": "^[A-Z]+$"}, {"maxLength": 5}, {"format": "uuid"}, {"const": "a"}, {"default": "a"}],
)
def test_bounds_patterns_and_defaults_stay_as_they_are(keywords: dict[str, Any]) -> None:
    assert incompatibilities(RELEASED, changed(**keywords))


def test_null_is_neither_added_nor_taken_away() -> None:
    schema = deepcopy(RELEASED)
    properties = schema["$defs"]["Part"]["properties"]
    properties["count"] = {"type": "integer", "minimum": 1}
    properties["size"] = {"anyOf": [properties["size"], {"type": "null"}]}
    reasons = incompatibilities(RELEASED, schema)
    assert "data.thing.count may no longer be null, which older events may hold" in reasons
    assert "data.thing.size may now be null, which older readers refuse" in reasons
    assert len(reasons) == 4  # in `thing` and in `parts`


def test_another_bound_beside_null_is_caught() -> None:
    schema = deepcopy(RELEASED)
    schema["$defs"]["Part"]["properties"]["count"]["anyOf"][0]["minimum"] = 0
    assert "data.thing.count: `minimum` was 1 and is 0" in incompatibilities(RELEASED, schema)


def test_a_released_type_keeps_its_model() -> None:
    released = {"siteward.thing.made.v1": RELEASED, LicenseCancelled.type: schema_of(LicenseCancelled)}
    assert generate.refusals(released) == ["siteward.thing.made.v1 has no model any more"]
