"""The one place that reads the wall clock; everything else is told what time it is."""

from datetime import UTC, datetime


def wall_clock() -> datetime:
    """The present moment, aware UTC."""
    return datetime.now(UTC)
