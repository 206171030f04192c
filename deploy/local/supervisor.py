"""Keeps processes running: whatever ends is started again, until it is no longer wanted."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import SetupError
from deploy.local.process import Process, Program, log_file

_SHORTEST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0
_STEADY: Final = 5.0
"""Seconds after which a process counts as running well: the next restart is at once again."""
_HOPELESS: Final = 5
"""Starts without ever having served, after which a process is not waited for."""
_POLL: Final = 0.05
_LOG_LIMIT: Final = 10_000_000
_LOG_CHECK: Final = 5.0


@dataclass(slots=True)
class _Kept:
    program: Program
    again: bool
    process: Process | None = None
    ends: int = 0
    served: bool = False
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Keeps programs running, with their logs under `state`; `say` is told of every restart."""

    def __init__(self, state: Path, say: Callable[[str], None] = lambda _: None) -> None:
        self._state = state
        self._say = say
        self._kept: dict[str, _Kept] = {}
        self._trimming: asyncio.Task[None] | None = None

    def keep(self, program: Program, *, again: bool = True) -> None:
        """Start a program, and, unless told otherwise, start it again whenever it ends."""
        kept = self._kept[program.name] = _Kept(program, again)
        kept.task = asyncio.create_task(self._keep(kept), name=program.name)
        if self._trimming is None:
            self._trimming = asyncio.create_task(self._trim())

    async def serving(self, name: str, within: float) -> None:
        """Wait until `name` serves.

        Raises SetupError, with the end of its log, when it does not within so many seconds.
        """
        kept = self._kept[name]
        deadline = time.monotonic() + within
        while not (kept.process and await kept.program.serves()):
            hopeless = not kept.served and kept.ends >= (_HOPELESS if kept.again else 1)
            if hopeless or time.monotonic() > deadline:
                raise SetupError(f"{name} does not come up. {self._last_words(name)}")
            await asyncio.sleep(_POLL)
        kept.served = True

    def pid(self, name: str) -> int:
        """The process id of what runs as `name` now.

        Raises LookupError while it is between two lives.
        """
        process = self._kept[name].process
        if process is None:
            raise LookupError(name)
        return process.pid

    async def kill(self, name: str) -> None:
        """Kill it, as `kill -9` does; it is dead on return, and started again."""
        process = self._kept[name].process
        if process is None:
            raise LookupError(name)
        await process.kill()

    async def stop(self, names: Iterable[str]) -> None:
        """Stop these at once, each as cleanly as it can; they are not started again."""
        await asyncio.gather(*(self._stop(self._kept.pop(name)) for name in names if name in self._kept))
        if not self._kept and self._trimming is not None:
            await _cancelled(self._trimming)
            self._trimming = None

    async def _stop(self, kept: _Kept) -> None:
        if kept.task is not None:
            await _cancelled(kept.task)
        if kept.process is not None:
            await kept.process.stop()

    async def _keep(self, kept: _Kept) -> None:
        pause = 0.0
        while True:
            began = time.monotonic()
            try:
                kept.process = await Process.start(kept.program, self._state)
                how = _described(await kept.process.wait())
                kept.process = None
            except (SetupError, OSError, subprocess.SubprocessError) as error:
                how = f"could not be started ({error})"
            kept.ends += 1
            if not kept.again:
                return
            if time.monotonic() - began > _STEADY:
                pause = 0.0
            again = f"in {pause:.1f} s" if pause else "at once"
            self._say(f"{kept.program.name} {how}; starting it again {again}")
            await asyncio.sleep(pause)
            pause = min(max(2 * pause, _SHORTEST_PAUSE), _LONGEST_PAUSE)

    def _last_words(self, name: str) -> str:
        log = log_file(self._state, name)
        if not log.exists():
            return ""
        lines = log.read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"The end of {log}:", *lines])

    async def _trim(self) -> None:
        """Keep each log within bounds: what is over goes to `.1`, and what was there is dropped."""
        while True:
            with contextlib.suppress(OSError):  # a full disk passes; the next round tries again
                for log in (self._state / "logs").glob("*.log"):
                    if log.stat().st_size > _LOG_LIMIT:
                        shutil.copyfile(log, log.with_suffix(".log.1"))
                        os.truncate(log, 0)  # its writer appends, so it goes on at the new end
            await asyncio.sleep(_LOG_CHECK)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _described(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
