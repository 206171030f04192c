"""What is wrong with what was sent, place by place, in words for who sent it."""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MOST_ERRORS: Final = 100
"""How many of a body's faults are told; a list of thousands can have one in every field."""

_Place = tuple[int | str, ...]

UNKNOWN_FIELD: Final = "This field is not known here."
_SAID: Final = MappingProxyType(
    {
        "extra_forbidden": UNKNOWN_FIELD,
        "model_type": "Input should be an object",
        "string_pattern_mismatch": "The text has a form or characters that are not allowed here.",
        "uuid_type": "Input should be a UUID, as text",
    }
)
"""By pydantic's type of a fault, where its own words tell of our models and expressions."""


def pointer(place: _Place) -> str:
    """A JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in place)


def errors_of(error: ValidationError, place: Callable[[_Place], str] = pointer) -> list[dict[str, str]]:
    """What pydantic found first, one entry a place: JSON pointers unless `place` says it otherwise."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_ERRORS]
    return [{"pointer": place(one["loc"]), "detail": _detail(one)} for one in found]


def _detail(found: ErrorDetails) -> str:
    own = _SAID.get(found["type"])
    return own or found["msg"].removeprefix("Value error, ").replace(" after validation", "")
