"""A single PostgreSQL or Apache Kafka, for tests that want no more than that, or want to kill it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.local import kafka as kafka_
from deploy.local import postgres as postgres_
from deploy.local.ports import Ports
from deploy.local.process import Program
from deploy.local.supervisor import Supervisor

_PATIENCE = 60.0


class Server:
    """A server that runs; nothing starts it again but `start`."""

    def __init__(self, program: Program, address: str, folder: Path) -> None:
        self.address = address
        """Its DATABASE_URL, or KAFKA_BOOTSTRAP_SERVERS."""
        self._program = program
        self._supervisor = Supervisor(folder)

    @property
    def pid(self) -> int:
        return self._supervisor.pid(self._program.name)

    async def start(self) -> None:
        """Start it on the data and the port it had; it serves on return."""
        self._supervisor.keep(self._program, again=False)
        await self._supervisor.serving(self._program.name, _PATIENCE)

    async def kill(self) -> None:
        """Kill it, as `kill -9` does; it is dead on return."""
        await self._supervisor.kill(self._program.name)

    async def stop(self) -> None:
        await self._supervisor.stop([self._program.name])


@asynccontextmanager
async def postgres(folder: Path, port: int | None = None, *, durable: bool = False) -> AsyncIterator[Server]:
    """A PostgreSQL that keeps its data in `folder`; on a free port unless one is given.

    Raises SetupError.
    """
    port = port or Ports().take()
    program = await postgres_.prepare(folder, port, durable=durable)
    async with _running(Server(program, postgres_.url(folder, port), folder)) as server:
        yield server


@asynccontextmanager
async def kafka(folder: Path, port: int | None = None) -> AsyncIterator[Server]:
    """An Apache Kafka broker that keeps its data in `folder`; on a free port unless one is given.

    Raises SetupError.
    """
    ports = Ports()
    port = port or ports.take()
    program = await kafka_.prepare(folder, port, ports.take())
    async with _running(Server(program, kafka_.address(port), folder)) as server:
        yield server


@asynccontextmanager
async def _running(server: Server) -> AsyncIterator[Server]:
    try:
        await server.start()
        yield server
    finally:
        await server.stop()
