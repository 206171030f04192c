"""The whole system on this machine: PostgreSQL, Apache Kafka, schema and topics, the five processes."""

import asyncio
import os
import time
import traceback
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from deploy.local import kafka, keys, migrations, postgres, services
from deploy.local.errors import SetupError
from deploy.local.lock import Lock
from deploy.local.ports import HOST, Ports
from deploy.local.process import Program, log_file
from deploy.local.record import end_leftover
from deploy.local.supervisor import Supervisor

POSTGRES_PORT: Final = 15432
KAFKA_PORT: Final = 19092
CONTROLLER_PORT: Final = 19093
_PATIENCE: Final = 60.0
_POLL: Final = 0.1
_OTHERS_PATIENCE: Final = 10.0
"""Seconds that a server which runs already has to answer."""


class System:
    """Everything that `make run` runs, with its data, keys and logs in one folder.

    Whatever ends is started again until `stop`. Where DATABASE_URL or KAFKA_BOOTSTRAP_SERVERS are set when it
    is made, the servers that they name are used, and none is started in their place.
    """

    def __init__(
        self,
        state: Path,
        *,
        port: int | None = None,
        preferred_ports: bool = False,
        durable: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`port`: the gateway's; any free one unless given. `say` is told how it goes, a line at a time.

        `durable=False` keeps PostgreSQL from waiting for the disk: for tests.
        """
        self._state = state
        self._durable = durable
        self._say = say
        self._lock = Lock(state / "lock")
        self._supervisor = Supervisor(state, say)
        self._free = Ports()
        self._preferred = preferred_ports
        self._gateway_port = port
        self._ports: dict[str, int] = {}
        self.database_url = os.environ.get("DATABASE_URL", "")
        self.kafka_bootstrap_servers = os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "")

    @property
    def url(self) -> str:
        """The gateway's address."""
        return self.url_of(services.GATEWAY)

    def url_of(self, name: str) -> str:
        """The address of one of the five processes, as `licensing-api`; workers have one as well."""
        return services.url(self._ports[name])

    async def start(self) -> None:
        """Bring everything up; it serves on return.

        Raises SetupError; call `stop` then as well.
        """
        self._lock.take()
        await self._end_leftovers()
        self._ports = services.choose_ports(self._free, gateway=self._gateway_port, preferred=self._preferred)
        keys.ensure(self._state / "keys")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._database())
                group.create_task(self._broker())
                group.create_task(asyncio.to_thread(migrations.warm_up))
        except ExceptionGroup as problems:
            raise problems.exceptions[0] from None  # one is enough to mend at a time
        await self._migrate()
        began = time.monotonic()
        programs = services.programs(
            self._state,
            self._ports,
            database_url=self.database_url,
            kafka=self.kafka_bootstrap_servers,
        )
        for program in programs:
            self._supervisor.keep(program)
        await asyncio.gather(*(self.serving(program.name) for program in programs))
        self._say(_took("the five processes serve", began))

    async def serving(self, name: str, within: float = _PATIENCE) -> None:
        """Wait until `name` serves (again).

        Raises SetupError when it does not within so many seconds.
        """
        await self._supervisor.serving(name, within)

    def pid(self, name: str) -> int:
        """The process id of `gateway`, `licensing-api`, …, `postgres` or `kafka`.

        Raises LookupError while it is between two lives, or not ours.
        """
        return self._supervisor.pid(name)

    async def kill(self, name: str) -> None:
        """Kill it, as `kill -9` does; it is dead on return, and starts again by itself."""
        await self._supervisor.kill(name)

    async def stop(self) -> None:
        """Stop everything in order: what takes requests first, what others rely on last."""
        for names in ([services.GATEWAY], services.SERVICES, [kafka.NAME], [postgres.NAME]):
            await self._supervisor.stop(names)
        self._free.release()
        self._lock.release()

    async def _end_leftovers(self) -> None:
        """What a killed run left behind may still hold the ports."""
        await asyncio.gather(
            *(end_leftover(services.record(self._state, name)) for name in services.PORTS),
            end_leftover(kafka.record(self._state / "kafka")),
            end_leftover(postgres.record(self._state / "postgres"), postgres.STOP_SIGNAL),
        )

    async def _database(self) -> None:
        began = time.monotonic()
        if self.database_url:
            await _answering("PostgreSQL", "DATABASE_URL", lambda: postgres.ask(self.database_url))
            return
        folder = self._state / "postgres"
        port = self._port(POSTGRES_PORT)
        program = await postgres.prepare(folder, port, durable=self._durable, say=self._say)
        self.database_url = postgres.url(folder, port)
        await self._up(program)
        self._say(_took(f"PostgreSQL serves on {HOST}:{port}", began))

    async def _broker(self) -> None:
        began = time.monotonic()
        if self.kafka_bootstrap_servers:
            await _answering(
                "Apache Kafka", "KAFKA_BOOTSTRAP_SERVERS", lambda: kafka.ask(self.kafka_bootstrap_servers)
            )
            return
        port = self._port(KAFKA_PORT)
        program = await kafka.prepare(self._state / "kafka", port, self._port(CONTROLLER_PORT), say=self._say)
        self.kafka_bootstrap_servers = kafka.address(port)
        await self._up(program)
        self._say(_took(f"Apache Kafka serves on {self.kafka_bootstrap_servers}", began))

    async def _migrate(self) -> None:
        began = time.monotonic()
        try:
            await migrations.migrate(self.database_url, self.kafka_bootstrap_servers)
        except Exception as error:
            log = log_file(self._state, "migrations")
            log.write_text(traceback.format_exc())
            first_line = str(error).partition("\n")[0]
            raise SetupError(f"a migration failed: {first_line}. See {log}") from error
        self._say(_took("schema and topics are up to date", began))

    async def _up(self, program: Program) -> None:
        self._supervisor.keep(program)
        await self._supervisor.serving(program.name, _PATIENCE)

    def _port(self, preferred: int) -> int:
        return self._free.take(preferred if self._preferred else None)


async def _answering(what: str, variable: str, ask: Callable[[], Awaitable[None]]) -> None:
    deadline = time.monotonic() + _OTHERS_PATIENCE
    while True:
        try:
            return await ask()
        except Exception as error:
            if time.monotonic() > deadline:
                raise SetupError(
                    f"the {what} that {variable} names does not answer ({error}). "
                    f"Start it, mend {variable}, or unset it to have one started here."
                ) from error
        await asyncio.sleep(_POLL)


def _took(what: str, began: float) -> str:
    return f"{what} ({time.monotonic() - began:.1f} s)"
