"""How is one process started, known again, and ended?"""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.local import record
from deploy.local.accounts import Account
from deploy.local.errors import SetupError
from deploy.local.places import PROJECT

STOPS_WITHIN: Final = 10.0
"""Seconds a process has to stop cleanly before it is killed."""
_LINES: Final = 15
"""Lines of its output that tell why a command failed."""
_PR_SET_PDEATHSIG: Final = 1
_NICENESS: Final = 5
_OF_THE_SESSION: Final = Path("/proc/self/autogroup")
_BETWEEN_WISHES: Final = 0.1
"""Seconds in which Linux takes one such wish, from all together who are not root; the others are to ask again."""
_ATTEMPTS: Final = 5
_LIBC: Final = ctypes.CDLL(None) if sys.platform == "linux" else None


@dataclass(frozen=True, slots=True)
class Program:
    """What there is to run: how it is started, when it serves, how it is stopped."""

    name: str
    command: tuple[str, ...]
    record: Path
    """The file with the process id: beside the data, where there is some that only one process may touch."""
    serves: Callable[[], Awaitable[bool]]
    """Whether it does its work now; never raises."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """In addition to our own."""
    account: Account | None = None
    """Whom to run as; None: as ourselves."""
    stop_signal: signal.Signals = signal.SIGTERM
    gives_way: bool = False
    """Whether others that want a core go first, where the system can (Linux)."""
    before: Callable[[], None] = lambda: None
    """Called before each start, when no process of an earlier one lives any more."""


class Process:
    """A program that runs."""

    def __init__(self, program: Program, running: asyncio.subprocess.Process) -> None:
        self.program = program
        self._running = running

    @classmethod
    async def start(cls, program: Program, state: Path) -> "Process":
        """Run `program`, once whatever an earlier run left of it is gone; it logs to `state`/logs.

        Raises SetupError when something is left that does not end.
        """
        with await record.claim(program.record, program.stop_signal) as claimed:
            program.before()
            with log_file(state, program.name).open("ab") as log:
                running = await spawn(
                    program.command,
                    environment=program.environment,
                    account=program.account,
                    dies_by=program.stop_signal,
                    gives_way=program.gives_way,
                    output=log.fileno(),
                    inherits=(claimed.fileno(),),
                )
            claimed.write(str(running.pid))
        return cls(program, running)

    @property
    def pid(self) -> int:
        return self._running.pid

    async def wait(self) -> int:
        """The code it ended with; negative: the signal."""
        return await self._running.wait()

    async def stop(self) -> None:
        """Ask it to stop, and kill it if it does not."""
        self.signal(self.program.stop_signal)
        try:
            await asyncio.wait_for(self.wait(), STOPS_WITHIN)
        except TimeoutError:
            await self.kill()

    async def kill(self) -> None:
        """Kill it, as `kill -9` does, and wait until it is dead."""
        self.signal(signal.SIGKILL)
        await self.wait()

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._running.send_signal(number)


async def spawn(
    command: tuple[str, ...],
    *,
    output: int,
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    dies_by: signal.Signals = signal.SIGKILL,
    gives_way: bool = False,
    inherits: tuple[int, ...] = (),
    reads: int = asyncio.subprocess.DEVNULL,
) -> asyncio.subprocess.Process:
    """Start a process in a session of its own, so that Ctrl-C in the terminal reaches only us.

    Where the system can (Linux), it gets the signal `dies_by` when we are gone, however that came.
    """
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=reads,
        stdout=output,
        stderr=asyncio.subprocess.STDOUT,
        cwd=PROJECT if account is None else "/",
        env={**os.environ, **(environment or {})},
        pass_fds=inherits,
        start_new_session=True,
        preexec_fn=_before_exec(dies_by, gives_way=gives_way),
        **({} if account is None else account.as_options()),
    )


async def run(
    command: tuple[str, ...],
    *,
    doing: str = "",
    environment: Mapping[str, str] | None = None,
    account: Account | None = None,
    told: str = "",
) -> str:
    """Run a command to its end, with `told` as its input.

    Returns its output. Raises SetupError when it fails: what we were `doing`, and the end of the output.
    """
    running = await spawn(
        command,
        environment=environment,
        account=account,
        output=asyncio.subprocess.PIPE,
        reads=asyncio.subprocess.PIPE,
    )
    try:
        output = (await running.communicate(told.encode()))[0].decode(errors="replace")
    except asyncio.CancelledError:
        with contextlib.suppress(ProcessLookupError):
            running.kill()
        await running.wait()
        raise
    if running.returncode:
        last = output.strip().splitlines()[-_LINES:]
        raise SetupError("\n".join([f"{doing or command[0]} failed with code {running.returncode}:", *last]))
    return output


def log_file(state: Path, name: str) -> Path:
    """Where the process `name` of the system in `state` logs to."""
    folder = state / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{name}.log"


def tie_to_parent(number: signal.Signals) -> None:
    """Get the signal `number` when the process that started us is gone, where the system can (Linux)."""
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(number))


def _before_exec(dies_by: signal.Signals, *, gives_way: bool) -> Callable[[], None]:
    us = os.getpid()

    def prepare() -> None:
        tie_to_parent(dies_by)
        if os.getppid() != us:
            os._exit(1)  # we were gone before it could be told
        if gives_way:
            _give_way()

    return prepare


def _give_way() -> None:
    """Have a smaller share of busy cores, and interrupt nobody who is on one."""
    os.nice(_NICENESS)
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        with contextlib.suppress(OSError):  # there is none, or it is not ours to write
            _have_the_session_give_way()


def _have_the_session_give_way() -> None:
    """Where cores are shared among sessions, a process's own niceness counts within its session alone."""
    for _ in range(_ATTEMPTS):
        with contextlib.suppress(BlockingIOError):
            _OF_THE_SESSION.write_text(str(_NICENESS))
            return
        time.sleep(_BETWEEN_WISHES)
