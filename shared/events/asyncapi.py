"""The event contract as one document (AsyncAPI 3.0): topics, keys, headers, data, an example of each type."""

from typing import Any, Final

import orjson

from shared.events.codec import EVENTS, encode
from shared.events.envelope import CONTENT_TYPE, REQUIRED
from shared.events.event import Event, dataschema
from shared.events.examples import EXAMPLES
from shared.events.json_schema import schemas_of
from shared.events.topics import LICENSING, PLANS, Topic

_KAFKA_BINDING: Final = "0.5.0"
_DESCRIPTION: Final = """\
What Siteward tells other programs: every change of a license, a plan, a site, a sensor, a notice or a
statement, as it happens and for ever after.

- Start at the beginning of a topic to get the whole history; nothing is ever deleted.
- The data holds the aggregate's full state after the change (`license`, `plan`, …), the names of the fields
  that `changed`, and what they were (`previous`). No call back is needed to understand an event.
- An event may arrive more than once, with the same `ce_id`. Within a key the order holds.
  `ce_aggregateversion` starts at 1 for each `ce_subject` and rises by one with each event: drop what is older
  than you have, and wait where one is missing.
- `ce_time` is when it happened in the business. The record's own timestamp is when the broker got it.
- Within a version of a type there are only additions: ignore fields, and types, that you do not know.
  Anything else becomes a new type (`….v2`), and both are published for one release.
"""


def document() -> dict[str, Any]:
    """The whole document, ready to be written as YAML."""
    events = list(EVENTS.values())
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Siteward events",
            "version": "1",
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {
            "licensing": _channel(LICENSING),
            "plans": _channel(PLANS),
        },
        "operations": {
            "publishLicensing": _operation(
                "licensing", "The licensing service tells what it did.", LICENSING
            ),
            "publishPlans": _operation("plans", "The plans service tells what it did.", PLANS),
        },
        "components": {
            "messages": {event.__name__: _message(event) for event in events},
            "schemas": {
                "Headers": _headers(),
                **schemas_of(events, ref_template="#/components/schemas/{model}"),
            },
        },
    }


def _of(topic: Topic) -> list[type[Event]]:
    return [event for event in EVENTS.values() if event.topic is topic]


def _channel(topic: Topic) -> dict[str, Any]:
    settings: dict[str, Any] = dict(topic.settings)
    return {
        "address": topic.name,
        "description": f"{topic.description} The record's key is the {topic.key}.",
        "messages": {
            event.__name__: {"$ref": f"#/components/messages/{event.__name__}"} for event in _of(topic)
        },
        "bindings": {
            "kafka": {
                "topic": topic.name,
                "topicConfiguration": {
                    **settings,
                    "cleanup.policy": [settings["cleanup.policy"]],
                    "retention.ms": int(settings["retention.ms"]),
                    "retention.bytes": int(settings["retention.bytes"]),
                },
                "bindingVersion": _KAFKA_BINDING,
            }
        },
    }


def _operation(channel: str, summary: str, topic: Topic) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": f"#/channels/{channel}/messages/{event.__name__}"} for event in _of(topic)],
    }


def _message(event: type[Event]) -> dict[str, Any]:
    example = EXAMPLES[event.type]
    return {
        "name": event.type,
        "title": event.type.removeprefix("siteward.").removesuffix(".v1"),
        "summary": " ".join((event.__doc__ or "").split()),
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "allOf": [{"$ref": "#/components/schemas/Headers"}],
            "properties": {
                "ce_type": {"const": event.type},
                "ce_source": {"const": event.topic.source},
                "ce_dataschema": {"const": dataschema(event.type)},
            },
        },
        "payload": {"$ref": f"#/components/schemas/{event.__name__}"},
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": f"The {event.topic.key}."},
                "bindingVersion": _KAFKA_BINDING,
            }
        },
        "examples": [
            {
                "headers": {name: value.decode() for name, value in example.envelope.headers()},
                "payload": orjson.loads(encode(example.event)),
            }
        ],
    }


def _headers() -> dict[str, Any]:
    """The headers of every record, as `Envelope.headers` writes them."""
    return {
        "type": "object",
        "description": "CloudEvents 1.0 in Kafka's binary mode: attributes are headers, all of them text.",
        "properties": {
            "ce_specversion": {"const": "1.0"},
            "ce_id": {"type": "string", "format": "uuid", "description": "UUIDv7 of the event."},
            "ce_source": {"type": "string", "description": "The service that speaks."},
            "ce_type": {"type": "string"},
            "ce_subject": {"type": "string", "description": "The aggregate, such as `license/{id}`."},
            "ce_time": {
                "type": "string",
                "format": "date-time",
                "description": "When it happened in the business, in UTC with `Z`.",
            },
            "ce_dataschema": {
                "type": "string",
                "format": "uri",
                "description": "Address of the data's JSON Schema.",
            },
            "ce_tenantid": {"type": "string", "format": "uuid"},
            "ce_aggregateversion": {
                "type": "string",
                "pattern": "^[1-9][0-9]*$",
                "description": "Starts at 1 for each subject and rises by one.",
            },
            "ce_partitionkey": {
                "type": "string",
                "description": "The record's key once more, for those who no longer have it.",
            },
            "ce_traceparent": {
                "type": "string",
                "description": "W3C trace context of what caused the event, where it is known.",
            },
            "content-type": {"const": CONTENT_TYPE},
        },
        "required": list(REQUIRED),
    }
