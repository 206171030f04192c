"""Which ports of this machine are free?"""

import os
import random
import socket
import sys
from typing import Final

from deploy.local.errors import SetupError

HOST: Final = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections.
_RANGE: Final = range(20_000, 30_000)
_TRIES: Final = 200


def is_free(port: int, host: str = HOST) -> bool:
    """Whether a server could listen on `port` now."""
    with socket.socket() as probe:
        # As servers do: a port that only waits for old connections to be forgotten counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


class Ports:
    """Hands out ports that are free, none of them twice.

    Nor does another system get one that starts at the same time, where this machine can tell (Linux): a port
    is ours from when it is taken, long before its server listens, until `release` or the end of this process.
    """

    def __init__(self) -> None:
        self._given: dict[int, int | None] = {}
        """Each with the open file that marks it as ours."""

    def take(self, preferred: int | None = None) -> int:
        """The preferred port where it is free, else any.

        Raises SetupError when there is none.
        """
        tries = [random.choice(_RANGE) for _ in range(_TRIES)]  # noqa: S311 - chance, not secrecy
        for port in tries if preferred is None else [preferred, *tries]:
            if self.take_exactly(port):
                return port
        raise SetupError(f"no port between {_RANGE.start} and {_RANGE.stop} is free on {HOST}.")

    def take_exactly(self, port: int) -> bool:
        """Whether this port was free, and is now taken."""
        if port in self._given or not is_free(port):
            return False
        try:
            self._given[port] = _mark(port)
        except OSError:
            return False
        return True

    def release(self) -> None:
        """Give all of them back."""
        for mark in self._given.values():
            if mark is not None:
                os.close(mark)
        self._given.clear()


def _mark(port: int) -> int | None:
    """Raises OSError where another holds the mark of this port."""
    if sys.platform != "linux":
        return None
    with socket.socket(socket.AF_UNIX) as mark:
        # An abstract name: no file, one holder, and free when the holder is gone.
        mark.bind(f"\0siteward/port/{port}")
        return mark.detach()
