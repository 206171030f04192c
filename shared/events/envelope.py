"""What stands around an event's data: CloudEvents 1.0 attributes, as Kafka headers in binary mode."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from shared.events.errors import MalformedEvent
from shared.events.wire import utc_text

CONTENT_TYPE: Final = "application/json"
TYPE: Final = "ce_type"
"""The header that says what happened."""
SUBJECT: Final = "ce_subject"
"""The header that says to what."""
_MAX_VERSION: Final = 2**31 - 1
"""CloudEvents integers have 32 bits."""

_UUID7: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?Z")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,9}")
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
REQUIRED: Final = (
    "ce_specversion",
    "ce_id",
    "ce_source",
    TYPE,
    SUBJECT,
    "ce_time",
    "ce_dataschema",
    "ce_tenantid",
    "ce_aggregateversion",
    "ce_partitionkey",
    "content-type",
)
"""The headers of every event."""
_NAMES: Final = frozenset((*REQUIRED, "ce_traceparent"))


@dataclass(frozen=True, slots=True)
class Envelope:
    """The attributes of one event, named as CloudEvents names them."""

    id: str
    """UUIDv7, unique to the event: seen twice, it is the same event delivered twice."""
    source: str
    type: str
    subject: str
    """The aggregate, such as `license/{id}` or `site/{subscription}/{name}`."""
    time: datetime
    """When it happened in the business, aware UTC."""
    dataschema: str
    tenantid: UUID
    aggregateversion: int
    """Starts at 1 and rises by one with each event of the same `subject`."""
    partitionkey: str
    """The record's key; order holds among the events that share it."""
    traceparent: str | None = None
    """W3C trace context of the request that caused the event."""

    def headers(self) -> list[tuple[str, bytes]]:
        """The record's headers. Raises ValueError when `time` is naive."""
        headers = [
            ("ce_specversion", b"1.0"),
            ("ce_id", self.id.encode()),
            ("ce_source", self.source.encode()),
            (TYPE, self.type.encode()),
            (SUBJECT, self.subject.encode()),
            ("ce_time", utc_text(self.time).encode()),
            ("ce_dataschema", self.dataschema.encode()),
            ("ce_tenantid", str(self.tenantid).encode()),
            ("ce_aggregateversion", b"%d" % self.aggregateversion),
            ("ce_partitionkey", self.partitionkey.encode()),
            ("content-type", b"application/json"),
        ]
        if self.traceparent is not None:
            headers.append(("ce_traceparent", self.traceparent.encode()))
        return headers

    @classmethod
    def from_headers(cls, headers: Iterable[tuple[str, bytes | None]]) -> "Envelope":
        """Read a record's headers; those that are not ours are let pass. Raises MalformedEvent."""
        found = _texts(headers)
        if _required(found, "ce_specversion") != "1.0":
            raise MalformedEvent("ce_specversion is not 1.0")
        if _required(found, "content-type").partition(";")[0].strip().lower() != CONTENT_TYPE:
            raise MalformedEvent(f"content-type is not {CONTENT_TYPE}")
        traceparent = found.get("ce_traceparent")
        if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
            raise MalformedEvent("ce_traceparent is not a W3C trace context")
        return cls(
            id=_matching(found, "ce_id", _UUID7, "a UUIDv7"),
            source=_required(found, "ce_source"),
            type=_required(found, TYPE),
            subject=_required(found, SUBJECT),
            time=_time(found),
            dataschema=_required(found, "ce_dataschema"),
            tenantid=UUID(_matching(found, "ce_tenantid", _UUID, "a UUID")),
            aggregateversion=_version(found),
            partitionkey=_required(found, "ce_partitionkey"),
            traceparent=traceparent,
        )


def _texts(headers: Iterable[tuple[str, bytes | None]]) -> dict[str, str]:
    """Ours among the headers, decoded; one that is there twice has no single meaning and is refused."""
    ours = [header for header in headers if header[0] in _NAMES]
    found = dict(ours)
    if len(found) != len(ours):
        names = [name for name, _ in ours]
        raise MalformedEvent(f"{next(name for name in names if names.count(name) > 1)} is there twice")
    try:
        return {name: value.decode() for name, value in found.items()}  # type: ignore[union-attr]  # told below
    except AttributeError:
        raise MalformedEvent(f"{next(name for name in found if found[name] is None)} has no value") from None
    except UnicodeDecodeError as error:
        raise MalformedEvent(f"{next(n for n, v in ours if v == error.object)} is not UTF-8") from None


def _required(found: dict[str, str], name: str) -> str:
    text = found.get(name)
    if not text:
        raise MalformedEvent(f"{name} is missing" if text is None else f"{name} is empty")
    return text


def _matching(found: dict[str, str], name: str, pattern: re.Pattern[str], what: str) -> str:
    text = _required(found, name)
    if not pattern.fullmatch(text):
        raise MalformedEvent(f"{name} is not {what}")
    return text


def _time(found: dict[str, str]) -> datetime:
    text = _matching(found, "ce_time", _TIME, "an RFC 3339 time in UTC with Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise MalformedEvent("ce_time is no moment of the calendar") from None


def _version(found: dict[str, str]) -> int:
    version = int(_matching(found, "ce_aggregateversion", _VERSION, "a positive integer"))
    if version > _MAX_VERSION:
        raise MalformedEvent(f"ce_aggregateversion is above {_MAX_VERSION}")
    return version
