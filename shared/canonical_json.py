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


def _is_plain(value: object) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    if isinstance(value, int):
        return -_LARGEST <= value <= _LARGEST
    if isinstance(value, Mapping):
        return all(name.isascii() for name in value) and all(map(_is_plain, value.values()))
    return isinstance(value, list) and all(map(_is_plain, value))
