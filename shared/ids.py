"""Identifiers that we mint."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): unique everywhere, and ordered by the time it was made."""
    return uuid7()
