"""Do the committed files tell other programs what the models really do, and is every promised type there?"""

from typing import Any

import orjson
import pytest
import yaml
from jsonschema import Draft202012Validator, FormatChecker

from shared.events import generate, topics
from shared.events.codec import EVENTS, encode
from shared.events.examples import EXAMPLES, Example
from shared.events.json_schema import schema_of

# The contract's own list, written down here once more so that no type gets lost.
CONTRACT = {
    "siteward.licensing.v1": """
        license.purchased license.cancelled license.renewed license.quantity_changed
        license.auto_renew_changed license.change_scheduled license.expiring license.expired
        license.disabled license.deleted license.reactivated
        trial.started trial.extended trial.converted
        """,
    "siteward.plans.v1": """
        plan.added plan.price_plan_changed plan.change_requested plan.change_effective
        plan.cancel_requested plan.change_undone plan.cancelled
        site.entitlement_changed site.changed enterprise_iot.changed
        sensor.registered sensor.changed sensor.activated sensor.reactivation_required sensor.deleted
        notice.raised notice.cleared statement.closed
        """,
}
ADDED_LATER = {"license_id", "note"}  # fields that an event of an earlier release may lack
AGGREGATES = {"trial": "license"}  # a trial is a license; every other type names its aggregate

AN_EXAMPLE_OF_EACH_TYPE = pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())


@pytest.fixture(scope="module")
def asyncapi() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((generate.HERE / "asyncapi.yaml").read_text())
    return document


def validate(instance: Any, schema: dict[str, Any]) -> None:
    Draft202012Validator(schema, format_checker=FormatChecker()).validate(instance)


@pytest.mark.parametrize(("topic", "types"), CONTRACT.items())
def test_every_type_of_the_contract_has_a_model_and_no_other_has(topic: str, types: str) -> None:
    ours = {event_type for event_type, event in EVENTS.items() if event.topic.name == topic}
    assert ours == {f"siteward.{name}.v1" for name in types.split()}


@pytest.mark.parametrize("event_type", EVENTS)
def test_the_data_has_the_aggregate_and_what_changed(event_type: str) -> None:
    noun = event_type.split(".")[1]
    aggregate = AGGREGATES.get(noun, noun)
    assert set(EVENTS[event_type].model_fields) == {aggregate, "changed", "previous"}


def test_the_committed_files_are_as_the_models_would_have_them() -> None:
    assert generate.main(["--check"]) == 0
    assert {path.stem for path in (generate.HERE / "schemas").iterdir()} == set(EVENTS)


@pytest.mark.parametrize("event_type", EVENTS)
def test_a_schema_is_valid_and_says_what_its_type_means(event_type: str) -> None:
    schema = schema_of(EVENTS[event_type])
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"https://siteward.dev/schemas/{event_type}.json"
    assert schema["description"].endswith(".")


@AN_EXAMPLE_OF_EACH_TYPE
def test_the_schema_accepts_what_the_model_writes_and_fields_of_later_releases(example: Example) -> None:
    golden = orjson.loads((generate.HERE / "schemas" / f"{example.event.type}.json").read_bytes())
    data = orjson.loads(encode(example.event))
    validate(data, golden)
    aggregate = next(iter(data.keys() - {"changed", "previous"}))
    data[aggregate]["of_a_later_release"] = True
    validate(data, golden)


@AN_EXAMPLE_OF_EACH_TYPE
def test_the_schema_requires_every_field_that_the_aggregate_always_had(example: Example) -> None:
    validator = Draft202012Validator(schema_of(type(example.event)))
    data = orjson.loads(encode(example.event))
    aggregate = next(iter(data.keys() - {"changed", "previous"}))
    for field in data[aggregate].keys() - ADDED_LATER:
        lacking = {**data, aggregate: {k: v for k, v in data[aggregate].items() if k != field}}
        assert not validator.is_valid(lacking), field


def test_asyncapi_has_each_type_once(asyncapi: dict[str, Any]) -> None:
    assert asyncapi["asyncapi"] == "3.0.0"
    messages = asyncapi["components"]["messages"]
    assert sorted(message["name"] for message in messages.values()) == sorted(EVENTS)
    published = [
        reference["$ref"].rpartition("/")[2]
        for operation in asyncapi["operations"].values()
        for reference in operation["messages"]
    ]
    assert sorted(published) == sorted(messages)


def test_asyncapi_gives_topics_as_they_are_set_up(asyncapi: dict[str, Any]) -> None:
    channels = {channel["address"]: channel for channel in asyncapi["channels"].values()}
    assert set(channels) == {topic.name for topic in topics.TOPICS}
    for topic in topics.TOPICS:
        assert topic.settings["retention.ms"] == "-1"
        assert topic.settings["message.timestamp.type"] == "LogAppendTime"
        shown = channels[topic.name]["bindings"]["kafka"]["topicConfiguration"]
        assert shown == {
            **topic.settings,
            "retention.ms": -1,
            "retention.bytes": -1,
            "cleanup.policy": ["delete"],
        }
        names = {
            asyncapi["components"]["messages"][name]["name"] for name in channels[topic.name]["messages"]
        }
        assert names == {event_type for event_type, event in EVENTS.items() if event.topic is topic}


def test_asyncapi_s_references_all_lead_somewhere(asyncapi: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for part in value.values() for found in references(part)]
        return [found for part in value for found in references(part)] if isinstance(value, list) else []

    for reference in set(references(asyncapi)):
        target: Any = asyncapi
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("event_type", EVENTS)
def test_asyncapi_s_example_is_valid_by_its_own_schemas(asyncapi: dict[str, Any], event_type: str) -> None:
    message = asyncapi["components"]["messages"][EVENTS[event_type].__name__]
    [example] = message["examples"]
    for part in ("headers", "payload"):
        validate(example[part], {**message[part], "components": asyncapi["components"]})
    assert example["payload"] == orjson.loads(encode(EXAMPLES[event_type].event))
    validate(example["headers"]["ce_partitionkey"], message["bindings"]["kafka"]["key"])
