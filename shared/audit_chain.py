"""Is a chain of audit events whole? Each link carries the hash of the one before.

Knows events as the API shows them, and nothing of where they are kept, so that a customer can check saved
ones too.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import rfc8785

FIRST_PREVIOUS: Final = "0" * 64
"""The `previous_hash` of a chain's first event."""

Canonical = Callable[[Mapping[str, Any]], bytes]
"""Writes an event in the form of RFC 8785."""


def in_rfc8785(event: Mapping[str, Any]) -> bytes:
    return rfc8785.dumps(dict(event))


def hash_of(event: Mapping[str, Any], *, canonical: Canonical = in_rfc8785) -> str:
    """The hex SHA-256 of the event, as the API shows it, without its own `hash`.

    Raises rfc8785.CanonicalizationError for a number that JSON's readers do not agree on.
    """
    return hashlib.sha256(
        canonical({name: value for name, value in event.items() if name != "hash"})
    ).hexdigest()


class Chain:
    """A chain as far as it has been followed; `sequence`, `hash` and `at` are its last event's."""

    def __init__(
        self,
        sequence: int = 0,
        hash_: str = FIRST_PREVIOUS,
        at: datetime | None = None,
        *,
        canonical: Canonical = in_rfc8785,
    ) -> None:
        self.sequence = sequence
        self.hash = hash_
        self.at = at
        self._canonical = canonical

    def seal(self, event: Mapping[str, Any], at: datetime) -> None:
        """Put the event of this moment at the chain's end; it has its `sequence` and `previous_hash` already."""
        self.hash = hash_of(event, canonical=self._canonical)
        self.sequence, self.at = self.sequence + 1, at

    def fault(self, event: Mapping[str, Any]) -> str | None:
        """Why the event cannot be the next one, in words; None where it is, and the chain ends with it now.

        Raises ValueError where the moment of a well-sealed event is none.
        """
        if event["sequence"] != self.sequence + 1:
            return f"event {event['sequence']} stands in its place"
        if event["previous_hash"] != self.hash:
            return "it does not follow the one before"
        if event["hash"] != self._hash_of(event):
            return "it is not what was sealed"
        at = datetime.fromisoformat(event["at"])
        if self.at is not None and at < self.at:
            return "it is older than the one before"
        self.sequence, self.hash, self.at = event["sequence"], event["hash"], at
        return None

    def first_fault(self, events: Iterable[Mapping[str, Any]]) -> tuple[int, str] | None:
        """The sequence of the first place that is broken, and why; None where all of them follow."""
        for event in events:
            if (why := self.fault(event)) is not None:
                return self.sequence + 1, why
        return None

    def _hash_of(self, event: Mapping[str, Any]) -> str | None:
        try:
            return hash_of(event, canonical=self._canonical)
        except rfc8785.CanonicalizationError:
            return None
