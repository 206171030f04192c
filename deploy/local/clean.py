"""Removes all that a local system keeps: data, keys, logs, jars."""

import shutil
import sys

from deploy.local import places
from deploy.local.errors import SetupError
from deploy.local.lock import Lock


def main() -> int:
    """Returns the exit code."""
    lock = Lock(places.STATE / "lock")
    try:
        lock.take()
    except SetupError as problem:
        print(f"Not cleaned: {problem}")
        return 1
    if places.LINK.exists():
        shutil.rmtree(places.LINK.resolve())
    shutil.rmtree(places.STATE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
