"""What all events have in common: their data says how the aggregate is now, and what changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from pydantic import Field, JsonValue

from shared.events.envelope import Envelope
from shared.events.topics import Topic
from shared.events.wire import WireModel
from shared.ids import new_id

SCHEMAS: Final = "https://siteward.dev/schemas/"
"""Where the JSON Schema of each type has its address."""
_MOVES_WITH_EVERY_EVENT: Final = frozenset({"version"})


def dataschema(event_type: str) -> str:
    """The address of the JSON Schema of a type's data."""
    return f"{SCHEMAS}{event_type}.json"


class Event(WireModel):
    """Something that happened, in the past tense; a subclass per type adds the aggregate's state after it."""

    type: ClassVar[str]
    """The CloudEvents type, such as `siteward.license.purchased.v1`."""
    topic: ClassVar[Topic]
    kind: ClassVar[str]
    """What its subject is, such as `license`; all events of a kind carry the same state."""

    changed: tuple[str, ...] = Field(strict=False)
    """Fields of the aggregate that differ from before; empty where there was nothing before."""
    previous: dict[str, JsonValue]
    """What those fields were before."""

    @classmethod
    def short_name(cls) -> str:
        """The type without what all types have, such as `license.purchased`."""
        return cls.type.split(".", 1)[1].rpartition(".")[0]

    @classmethod
    def _envelope(
        cls,
        *,
        name: str,
        key: UUID,
        version: int,
        tenant_id: UUID,
        time: datetime,
        traceparent: str | None,
    ) -> Envelope:
        return Envelope(
            id=str(new_id()),
            source=cls.topic.source,
            type=cls.type,
            subject=f"{cls.kind}/{name}",
            time=time,
            dataschema=dataschema(cls.type),
            tenantid=tenant_id,
            aggregateversion=version,
            partitionkey=str(key),
            traceparent=traceparent,
        )


def changes(
    before: WireModel | None, after: WireModel, *, except_for: Iterable[str] = ()
) -> tuple[tuple[str, ...], dict[str, JsonValue]]:
    """`changed` and `previous` of an event that led from one state of an aggregate to another.

    Both are empty where there was none before. `version` never counts as a change; `except_for` names more
    fields that move by themselves.
    """
    if before is None:
        return (), {}
    then = before.model_dump(mode="json", exclude={*_MOVES_WITH_EVERY_EVENT, *except_for})
    now = after.model_dump(mode="json")
    previous = {name: value for name, value in then.items() if value != now[name]}
    return tuple(previous), previous
