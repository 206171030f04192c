"""What is known of a process from outside: a file with its id, locked for as long as it lives.

The process inherits the open file, and so do its own children. So the lock is free only when all of them are
gone, however they ended and whoever started them: a PostgreSQL that was killed leaves children for a moment, and
a run that was killed may leave everything.
"""

import asyncio
import contextlib
import os
import signal
import time
from pathlib import Path
from typing import Final, TextIO

from deploy.local.errors import SetupError
from deploy.local.lock import lock

PATIENCE: Final = 10.0
"""Seconds a process has to stop cleanly before it is killed."""
_POLL: Final = 0.02


async def claim(path: Path, stop_signal: signal.Signals) -> TextIO:
    """The file, locked, empty and ready to be inherited; whatever still holds it is stopped first.

    Raises SetupError when that does not end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as unless_locked:
        file = unless_locked.enter_context(path.open("a+"))
        for number in (stop_signal, signal.SIGKILL):
            if await _locked_after(number, file):
                file.truncate(0)
                unless_locked.pop_all()
                return file
        raise SetupError(f"the {path.stem} of an earlier run does not end: process {_read(file)}.")


async def end_leftover(path: Path, stop_signal: signal.Signals = signal.SIGTERM) -> None:
    """Stop what still holds the file, from a run that was killed.

    Raises SetupError when it does not end.
    """
    (await claim(path, stop_signal)).close()


async def _locked_after(number: signal.Signals, file: TextIO) -> bool:
    if lock(file):
        return True
    if pid := _read(file):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), number)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if lock(file):
            return True
        await asyncio.sleep(_POLL)
    return False


def _read(file: TextIO) -> str:
    file.seek(0)
    return file.read()
