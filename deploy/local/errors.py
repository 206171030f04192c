"""What keeps the system from starting, said so that a person can mend it."""


class SetupError(Exception):
    """Something that we need is missing, taken or broken; the message says what to do about it."""
