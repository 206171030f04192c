"""Which ports of this machine are free?"""

import random
import socket
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
    """Hands out ports that are free, none of them twice."""

    def __init__(self) -> None:
        self._given: set[int] = set()

    def take(self, preferred: int | None = None) -> int:
        """The preferred port where it is free, else any.

        Raises SetupError when there is none.
        """
        tries = [random.choice(_RANGE) for _ in range(_TRIES)]  # noqa: S311 - chance, not secrecy
        for port in tries if preferred is None else [preferred, *tries]:
            if port not in self._given and is_free(port):
                self._given.add(port)
                return port
        raise SetupError(f"No free port between {_RANGE.start} and {_RANGE.stop} on {HOST}.")
