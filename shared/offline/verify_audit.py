"""Is a saved audit trail whole? Found from the file alone, without asking whoever wrote it.

The file is what the API answered: a page, a list of pages, or a list of events, in whatever order.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from shared.audit_chain import Chain

_FIELDS: Final = frozenset({"id", "at", "sequence", "previous_hash", "hash"})


class NotAnAuditTrail(Exception):
    """What was given has no audit events; says why."""


def main(path: str) -> int:
    """Check the file at `path` (`-`: standard input) and say what was found.

    Returns 0 where the chain is whole, 1 where it is broken, 2 where there is no such file or no trail in it.
    """
    try:
        document = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        valid, said = verify(document)
    except (OSError, NotAnAuditTrail) as error:
        sys.stderr.write(f"siteward: {error}\n")
        return 2
    sys.stdout.write(f"{said}\n")
    return 0 if valid else 1


def verify(document: bytes) -> tuple[bool, str]:
    """Whether the sealed events form one whole chain, and what was found, in words. Raises NotAnAuditTrail.

    A file that starts later than the chain can be checked from there on; that is said.
    """
    try:
        given = json.loads(document)
    except (ValueError, RecursionError) as error:
        raise NotAnAuditTrail(f"This is not JSON: {error}") from None
    events = list(_events(given))
    sealed = {json.dumps(one, sort_keys=True): one for one in events if one["hash"] is not None}
    unsealed = len({one["id"] for one in events} - {one["id"] for one in sealed.values()})
    waiting = f"; {unsealed} not sealed yet" if unsealed else ""
    if not sealed:
        return True, f"No sealed events{waiting}."
    for one in sealed.values():
        if not isinstance(one["sequence"], int) or one["sequence"] < 1:
            raise NotAnAuditTrail(f"The sequence of the sealed event {one['id']} is no number from 1 on.")
    in_order = sorted(sealed.values(), key=lambda one: one["sequence"])
    first = in_order[0]["sequence"]
    chain = Chain() if first == 1 else Chain(first - 1, in_order[0]["previous_hash"])
    try:
        broken = chain.first_fault(in_order)
    except (ValueError, TypeError) as error:
        broken = chain.sequence + 1, str(error)
    if broken is not None:
        return False, f"Broken at sequence {broken[0]}: {broken[1]}."
    earlier = "" if first == 1 else f"; what came before {first} is not in the file"
    return True, f"Valid: sequences {first} to {chain.sequence}{earlier}{waiting}."


def _events(given: Any) -> Iterator[dict[str, Any]]:
    if isinstance(given, dict) and isinstance(given.get("items"), list):
        yield from _events(given["items"])
    elif isinstance(given, list):
        for one in given:
            yield from _events(one)
    elif isinstance(given, dict) and given.keys() >= _FIELDS:
        yield given
    else:
        raise NotAnAuditTrail("This is no list of audit events, nor a page of them.")
