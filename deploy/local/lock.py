"""One run at a time in one folder."""

import fcntl
import os
from pathlib import Path
from typing import TextIO

from deploy.local.errors import SetupError


def lock(file: TextIO) -> bool:
    """Whether the lock of this open file is now held by whoever has it open."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Lock:
    """Held by one process at most, and free as soon as that is gone, however it ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: TextIO | None = None

    def take(self) -> None:
        """Raises SetupError, naming the process that holds it."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = self._path.open("a+")
        if not lock(file):
            file.close()
            holder = self._path.read_text().strip()
            raise SetupError(
                f"it runs already in {self._path.parent} (process {holder}). "
                f"Stop that one first: Ctrl-C where it runs, or `kill {holder}`."
            )
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        self._file = file

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
