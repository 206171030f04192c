"""Which request the running code serves, and the trace that it continues."""

from contextvars import ContextVar
from typing import Final

request_id: Final[ContextVar[str | None]] = ContextVar("request_id", default=None)
traceparent: Final[ContextVar[str | None]] = ContextVar("traceparent", default=None)
"""The W3C `traceparent` of the caller, passed on in events."""
