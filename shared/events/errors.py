"""What can be wrong with a record that a consumer reads."""


class MalformedEvent(ValueError):
    """A record breaks the contract: a header or the value is missing or wrong.

    The message names the part, never what it holds. Reading it again can't help, so a consumer parks it.
    """


class UnknownEventType(MalformedEvent):
    """A type that this release has no model for: a later one's new type, or none of ours."""
