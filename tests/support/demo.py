"""`make demo`, run by a test."""

import asyncio
import os
import sys

from deploy.local.places import PROJECT


class Demo:
    """A demo that runs; `told` is what it has printed so far."""

    def __init__(self, running: asyncio.subprocess.Process) -> None:
        self._running = running
        self.told = ""

    @classmethod
    async def start(cls, url: str, *, pause: float = 0) -> "Demo":
        """Tell the story to the system at `url`, with so many seconds between two steps."""
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.local.demo"),
            cwd=PROJECT,
            env={**os.environ, "SITEWARD_URL": url, "SITEWARD_DEMO_PAUSE": str(pause)},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(running)

    async def reaches(self, step: int) -> None:
        """Return once this step has begun."""
        while f"\n{step:>2}.  " not in self.told:
            line = await self._line()
            assert line, f"it ended before step {step}: {self.told}"

    async def ends(self) -> int:
        """Its exit code."""
        while await self._line():
            pass
        return await self._running.wait()

    async def _line(self) -> str:
        assert self._running.stdout is not None
        line = (await self._running.stdout.readline()).decode()
        self.told += line
        return line
