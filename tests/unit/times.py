"""How do unit tests write a moment?"""

from datetime import UTC, datetime


def at(text: str) -> datetime:
    """`2026-03-01` or `2026-03-01T09:30:00`, both UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
