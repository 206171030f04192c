"""May a schema follow the released one under the same version? Judged both ways.

A reader with the released schema must accept every new event, and one with the new schema every old event,
because the history is read from its beginning. What is left is additive: new optional fields, and other words
in titles, descriptions and examples.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Schema = Mapping[str, Any]

_SAYS_NOTHING_ABOUT_VALUES: Final = frozenset(
    {"$schema", "$id", "$comment", "$defs", "title", "description", "examples", "deprecated"}
)
_COMPARED_ON_THEIR_OWN: Final = frozenset({"properties", "required", "anyOf", "type"})
_COMPARED_WHERE_BOTH_HAVE_THEM: Final = frozenset({"items", "enum"})
_REFERENCE: Final = "#/$defs/"


def incompatibilities(released: Schema, current: Schema) -> list[str]:
    """Why `current` can't go out under the version of `released`, a sentence each; empty when it can.

    Both are as `schema_of` makes them: objects stay open to unknown fields, `$ref` points into `$defs`, and
    nothing refers back to itself.
    """
    return list(_differences(_Part(released, released), _Part(current, current), "data"))


@dataclass(frozen=True, slots=True)
class _Part:
    """A place within a document, with the references to it followed."""

    schema: Schema
    document: Schema

    def __getitem__(self, keyword: str) -> "_Part":
        return _Part(self.schema[keyword], self.document)

    def resolved(self) -> "_Part":
        schema = dict(self.schema)
        while "$ref" in schema:
            target = self.document["$defs"][schema.pop("$ref").removeprefix(_REFERENCE)]
            schema = {**target, **schema}
        return _Part(schema, self.document)

    def alternatives(self) -> "tuple[bool, list[_Part]]":
        """Whether null will do, and what else will."""
        choices = [_Part(choice, self.document).resolved() for choice in self.schema.get("anyOf", ())]
        others = [choice for choice in choices if choice.schema.get("type") != "null"]
        return len(others) < len(choices), others


def _differences(old: _Part, new: _Part, at: str) -> Iterator[str]:
    old, new = old.resolved(), new.resolved()
    if "anyOf" in old.schema or "anyOf" in new.schema:
        yield from _alternatives(old, new, at)
        return
    if (was := old.schema.get("type")) != (now := new.schema.get("type")):
        yield f"{at} was of type {was} and is of type {now}"
        return
    yield from _fields(old, new, at)
    yield from _values(old, new, at)
    if "items" in old.schema and "items" in new.schema:
        yield from _differences(old["items"], new["items"], f"{at}[]")
    yield from _other_keywords(old, new, at)


def _alternatives(old: _Part, new: _Part, at: str) -> Iterator[str]:
    was_nullable, was = old.alternatives() if "anyOf" in old.schema else (False, [old])
    is_nullable, now = new.alternatives() if "anyOf" in new.schema else (False, [new])
    if was_nullable and not is_nullable:
        yield f"{at} may no longer be null, which older events may hold"
    if is_nullable and not was_nullable:
        yield f"{at} may now be null, which older readers refuse"
    if len(was) != len(now):
        yield f"{at} had {len(was)} possible forms and has {len(now)}"
        return
    for before, after in zip(was, now, strict=True):
        yield from _differences(before, after, at)
    if "anyOf" in old.schema and "anyOf" in new.schema:
        yield from _other_keywords(old, new, at)


def _fields(old: _Part, new: _Part, at: str) -> Iterator[str]:
    was, now = old.schema.get("properties", {}), new.schema.get("properties", {})
    was_required, is_required = set(old.schema.get("required", ())), set(new.schema.get("required", ()))
    for name in was:
        field = f"{at}.{name}"
        if name not in now:
            yield f"{field} is gone, which older readers need or hope for"
            continue
        if name in was_required - is_required:
            yield f"{field} is no longer required, and older readers refuse an event without it"
        if name in is_required - was_required:
            yield f"{field} has become required, and older events may lack it"
        yield from _differences(old["properties"][name], new["properties"][name], field)
    for name in now:
        if name not in was and name in is_required:
            yield f"{at}.{name} is new and required, and older events lack it; give it a default"


def _values(old: _Part, new: _Part, at: str) -> Iterator[str]:
    if "enum" not in old.schema or "enum" not in new.schema:
        return
    was, now = old.schema["enum"], new.schema["enum"]
    if gone := [value for value in was if value not in now]:
        yield f"{at} no longer allows {_listed(gone)}, which older events may hold"
    if added := [value for value in now if value not in was]:
        yield f"{at} now allows {_listed(added)}, which older readers refuse"


def _other_keywords(old: _Part, new: _Part, at: str) -> Iterator[str]:
    """What isn't looked into must stay as it is: bounds, patterns, formats, defaults and the like."""
    for keyword in sorted(old.schema.keys() | new.schema.keys()):
        if keyword in _SAYS_NOTHING_ABOUT_VALUES or keyword in _COMPARED_ON_THEIR_OWN:
            continue
        if keyword in _COMPARED_WHERE_BOTH_HAVE_THEM and keyword in old.schema and keyword in new.schema:
            continue
        was, now = old.schema.get(keyword, "absent"), new.schema.get(keyword, "absent")
        if was != now:
            yield f"{at}: `{keyword}` was {was} and is {now}"


def _listed(values: list[Any]) -> str:
    return ", ".join(map(repr, values))
