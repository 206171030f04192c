"""An Apache Kafka of our own: one real broker that is its own controller (KRaft)."""

import base64
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path
from string import Template
from typing import Final

from deploy.local import java
from deploy.local.jars import ensure_jars
from deploy.local.java import Java
from deploy.local.places import PROJECT
from deploy.local.ports import HOST
from deploy.local.process import Program, run

NAME: Final = "kafka"
_RECIPES: Final = PROJECT / "deploy" / "kafka"
_PATIENCE_MS: Final = 2000


async def prepare(
    folder: Path, port: int, controller_port: int, *, say: Callable[[str], None] = lambda _: None
) -> Program:
    """The program that serves the data in `folder`, which is made when it is not there.

    `say` is told of what takes long. Raises SetupError.
    """
    runtime = java.find()
    jars = await ensure_jars(runtime, say)
    data = folder / "data"
    settings = folder / "server.properties"
    if not data.exists():
        await _make(data, settings, (port, controller_port), runtime, jars)
    _write_settings(settings, data, (port, controller_port))
    return Program(
        name=NAME,
        command=(*_java(runtime, jars), "kafka.Kafka", str(settings)),
        record=record(folder),
        serves=lambda: serves(address(port)),
    )


def address(port: int) -> str:
    """The KAFKA_BOOTSTRAP_SERVERS of a broker on `port`."""
    return f"{HOST}:{port}"


def record(folder: Path) -> Path:
    """The file with the process id of the broker in `folder`."""
    return folder / f"{NAME}.pid"


async def serves(bootstrap_servers: str) -> bool:
    """Whether a broker answers a request for metadata."""
    from aiokafka.errors import KafkaError  # noqa: PLC0415 - slow to import; the broker can start meanwhile

    try:
        await ask(bootstrap_servers)
    except (OSError, KafkaError):
        return False
    return True


async def ask(bootstrap_servers: str) -> None:
    """Ask a broker for metadata; raises what keeps it from answering."""
    from aiokafka.client import AIOKafkaClient  # noqa: PLC0415 - as above
    from aiokafka.errors import BrokerNotAvailableError  # noqa: PLC0415 - as above

    client = AIOKafkaClient(bootstrap_servers=bootstrap_servers, request_timeout_ms=_PATIENCE_MS)
    try:
        await client.bootstrap()
        if not client.cluster.brokers():
            raise BrokerNotAvailableError  # it answers, but the controller does not let it serve yet
    finally:
        await client.close()


async def _make(data: Path, settings: Path, ports: tuple[int, int], runtime: Java, jars: Path) -> None:
    """Make the data beside its place, and move it there when it is complete."""
    unfinished = data.with_name("data.new")
    if unfinished.exists():
        shutil.rmtree(unfinished)
    _write_settings(settings, unfinished, ports)
    cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=").replace("-", "A")
    await run(
        (
            *(*_java(runtime, jars), "kafka.tools.StorageTool", "format", "--standalone"),
            *("-t", cluster, "-c", str(settings)),
        ),
        doing="making the broker's data",
    )
    unfinished.rename(data)


def _java(runtime: Java, jars: Path) -> tuple[str, ...]:
    return (
        # The quick compiler alone: a broker here is always young, and its start is what one waits for.
        *(runtime.executable, "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        # Seen from the project's folder: a path with spaces in it would not be found.
        f"-Dlog4j2.configurationFile={(_RECIPES / 'log4j2.xml').relative_to(PROJECT)}",
        *("-cp", f"{jars}/*"),  # the star is Java's to expand
    )


def _write_settings(settings: Path, data: Path, ports: tuple[int, int]) -> None:
    settings.parent.mkdir(parents=True, exist_ok=True)
    template = Template((_RECIPES / "server.properties").read_text())
    settings.write_text(template.substitute(data=data, broker_port=ports[0], controller_port=ports[1]))
