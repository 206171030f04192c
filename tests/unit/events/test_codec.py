"""Are we strict in what we write, and tolerant of a newer writer in what we read?"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticSerializationError

from shared.events.codec import EVENTS, decode, encode, topic_of
from shared.events.errors import MalformedEvent, UnknownEventType
from shared.events.examples import EXAMPLES, Example
from shared.events.licensing import LicensePurchased
from shared.events.topics import LICENSING, PLANS

PURCHASED = LicensePurchased.type
AN_EXAMPLE_OF_EACH_TYPE = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())


def purchased() -> dict[str, Any]:
    data: dict[str, Any] = orjson.loads(encode(EXAMPLES[PURCHASED].event))
    return data


def objects_with_fixed_fields(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a document, the document included, but those in which anything may stand."""
    if isinstance(value, dict):
        yield value
        for name, part in value.items():
            if name not in {"previous", "tags"}:
                yield from objects_with_fixed_fields(part)
    elif isinstance(value, list):
        for part in value:
            yield from objects_with_fixed_fields(part)


@AN_EXAMPLE_OF_EACH_TYPE
def test_what_is_written_is_what_is_read(example: Example) -> None:
    assert decode(example.event.type, encode(example.event)) == example.event


@AN_EXAMPLE_OF_EACH_TYPE
def test_a_newer_writer_s_fields_are_ignored_at_any_depth(example: Example) -> None:
    data = orjson.loads(encode(example.event))
    for place in list(objects_with_fixed_fields(data)):
        place["of_a_later_release"] = {"any": ["thing"]}
    assert decode(example.event.type, orjson.dumps(data)) == example.event


@AN_EXAMPLE_OF_EACH_TYPE
def test_an_envelope_tells_what_the_data_is_about(example: Example) -> None:
    assert example.envelope.type == example.event.type
    assert example.envelope.source == topic_of(example.event.type).source
    assert example.envelope.dataschema.endswith(f"/{example.event.type}.json")
    state = next(iter(set(dict(example.event)) - {"changed", "previous"}))
    assert example.envelope.subject.partition("/")[0] == state
    version = getattr(getattr(example.event, state), "version", None)
    assert version in (None, example.envelope.aggregateversion)


@AN_EXAMPLE_OF_EACH_TYPE
def test_what_changed_and_what_was_before_name_the_same_fields(example: Example) -> None:
    assert set(example.event.changed) == set(example.event.previous)


def test_an_unknown_field_is_not_written() -> None:
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        LicensePurchased.model_validate({**dict(EXAMPLES[PURCHASED].event), "extra": 1})


def test_a_state_that_got_past_its_validation_is_not_written() -> None:
    event = EXAMPLES[PURCHASED].event
    assert isinstance(event, LicensePurchased)
    careless = event.model_copy(update={"license": event.license.model_copy(update={"quantity": "three"})})
    with pytest.raises(PydanticSerializationError):
        encode(careless)


def test_an_event_does_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        EXAMPLES[PURCHASED].event.changed = ("quantity",)  # type: ignore[misc]  # the mistake under test


@pytest.mark.parametrize(
    "value",
    [None, b"", b"null", b"[]", b"{", b"\xff", b'{"license": {}}', b"{}"],
)
def test_a_value_that_is_no_event_is_malformed(value: bytes | None) -> None:
    with pytest.raises(MalformedEvent, match=f"^{PURCHASED}: "):
        decode(PURCHASED, value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("id", "none"),
        ("quantity", "3"),
        ("quantity", 1.5),
        ("quantity", 0),
        ("quantity", None),
        ("status", "lost"),
        ("auto_renew", "yes"),
        ("purchased_at", "2026-03-01T09:30:00"),
        ("purchased_at", 1772357400),
        ("price", {"unit": {"amount": 1750.0, "currency": "USD"}, "total": None}),
    ],
)
def test_the_message_names_the_place_and_not_the_value(field: str, value: Any) -> None:
    data = purchased()
    data["license"][field] = value
    with pytest.raises(MalformedEvent, match=f"^{PURCHASED}: license.{field}") as refusal:
        decode(PURCHASED, orjson.dumps(data))
    assert "1772357400" not in str(refusal.value)


def test_a_field_that_does_not_apply_is_null_and_not_absent() -> None:
    data = purchased()
    assert data["license"].pop("scheduled_change") is None
    with pytest.raises(MalformedEvent, match=r"license\.scheduled_change: Field required"):
        decode(PURCHASED, orjson.dumps(data))


def test_a_type_of_a_later_release_is_told_apart_so_that_it_can_be_passed_by() -> None:
    with pytest.raises(UnknownEventType, match=r"siteward\.license\.purchased\.v2"):
        decode("siteward.license.purchased.v2", b"{}")
    with pytest.raises(UnknownEventType):
        topic_of("siteward.license.purchased.v2")


@given(st.binary())
def test_whatever_arrives_is_an_event_or_malformed(value: bytes) -> None:
    with pytest.raises(MalformedEvent):
        decode(PURCHASED, value)


def test_each_service_writes_to_its_own_topic() -> None:
    licensing = ("siteward.license.", "siteward.trial.")
    for event_type in EVENTS:
        assert topic_of(event_type) is (LICENSING if event_type.startswith(licensing) else PLANS)


def test_a_reader_gets_plain_identifiers() -> None:
    event = decode(PURCHASED, encode(EXAMPLES[PURCHASED].event))
    assert isinstance(event, LicensePurchased)
    assert type(event.license.id) is UUID
