"""RFC 8785 at the speed that sealing every change needs."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from shared.audit_chain import in_rfc8785

_LARGEST: Final = 2**53 - 1


def canonical(value: Mapping[str, Any]) -> bytes:
    """The value in the form of RFC 8785.

    orjson writes that very form some twenty times as fast, but for numbers with a fraction, integers that a
    double cannot hold, and the order of names outside of ASCII.

    Raises rfc8785.CanonicalizationError.
    """
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) if _is_plain(value) else in_rfc8785(value)


def _is_plain(value: Any) -> bool:
    kind = type(value)  # isinstance takes its time, and every change of every resource is looked through here
    if kind is dict:
        return all(map(str.isascii, value)) and all(map(_is_plain, value.values()))
    if kind is list:
        return all(map(_is_plain, value))
    if kind is int:
        return -_LARGEST <= value <= _LARGEST  # type: ignore[no-any-return]
    return value is None or kind is str or kind is bool
