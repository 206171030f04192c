"""From an event to a record's value and back: strict in writing, tolerant of a newer writer in reading."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError

from shared.events import licensing, plans
from shared.events.errors import MalformedEvent, UnknownEventType
from shared.events.event import Event
from shared.events.topics import Topic

EVENTS: Final[Mapping[str, type[Event]]] = MappingProxyType(
    {event.type: event for event in (*licensing.EVENTS, *plans.EVENTS)}
)
"""The model of each type."""
_VERSION: Final = ".v1"


def topic_of(event_type: str) -> Topic:
    """The topic a type travels on. Raises UnknownEventType."""
    return _model(event_type).topic


def encode(event: Event) -> bytes:
    """A record's value: compact JSON, UTF-8."""
    return event.model_dump_json(warnings="error").encode()


def decode(event_type: str, value: bytes | None, *, kind: type[Event] | None = None) -> Event:
    """Read a record's value; fields that this release does not know are ignored.

    `kind`: what all events of its kind have in common, for a type that only a later release knows. Such a type
    moves its subject's version too, so who let it pass would miss it. Raises MalformedEvent, and UnknownEventType
    for what is no event of this version of the contract.
    """
    if kind is not None and event_type not in EVENTS and event_type.endswith(_VERSION):
        model = kind
    else:
        model = _model(event_type)
    if value is None:
        raise MalformedEvent(f"{event_type}: there is no value")
    try:
        return model.model_validate_json(value, extra="ignore")
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the value"
        raise MalformedEvent(f"{event_type}: {place}: {first['msg']}") from None


def _model(event_type: str) -> type[Event]:
    try:
        return EVENTS[event_type]
    except KeyError:
        raise UnknownEventType(f"{event_type} is no event type of this release") from None
