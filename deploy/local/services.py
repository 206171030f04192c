"""The five processes: how each is started on this machine, and when it serves."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.local import keys
from deploy.local.errors import SetupError
from deploy.local.ports import HOST, Ports
from deploy.local.process import Program

GATEWAY: Final = "gateway"
SERVICES: Final = ("licensing-api", "licensing-worker", "plans-api", "plans-worker")
PORTS: Final = {
    GATEWAY: 8080,
    "licensing-api": 18081,
    "plans-api": 18082,
    "licensing-worker": 18083,
    "plans-worker": 18084,
}
"""Where each listens, unless another port is asked for or this one is taken."""
_GIVE_WAY: Final = (GATEWAY, "licensing-api", "plans-api")
"""What is answered already is carried to its end before more is taken on: the workers go first (docs/adr/0015)."""
_PATIENCE: Final = 2.0


def choose_ports(ports: Ports, *, gateway: int | None, preferred: bool) -> dict[str, int]:
    """A port for each process: the gateway's as given, the others' by preference or any.

    Raises SetupError when the gateway's is taken.
    """
    if gateway and not ports.take_exactly(gateway):
        raise SetupError(
            f"port {gateway} is taken. Stop what listens there, or choose another: "
            f"make run SITEWARD_PORT={gateway + 1}"
        )
    chosen = {name: ports.take(PORTS[name] if preferred else None) for name in SERVICES}
    return {GATEWAY: gateway or ports.take(), **chosen}


def programs(state: Path, ports: Mapping[str, int], *, database_url: str, kafka: str) -> list[Program]:
    """All five, where only this machine reaches them: anybody gets a token of the development issuer."""
    folder = state / "keys"
    service = {
        "DATABASE_URL": database_url,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "SITEWARD_INTERNAL_KEYS": str(folder / keys.SERVICES),
        "SITEWARD_SIGNING_KEYS": str(folder / keys.ACTIVATION),
    }
    gateway = {
        "SITEWARD_LICENSING_URL": url(ports["licensing-api"]),
        "SITEWARD_PLANS_URL": url(ports["plans-api"]),
        "SITEWARD_INTERNAL_SIGNING_KEY": str(folder / keys.GATEWAY),
        "SITEWARD_DEV_ISSUER_KEY": str(folder / keys.ISSUER),
    }
    return [
        _program(state, GATEWAY, ("gateway",), gateway, ports[GATEWAY]),
        *(
            _program(state, name, (f"services.{module}", role), service, ports[name])
            for name in SERVICES
            for module, role in [name.split("-")]
        ),
    ]


def record(state: Path, name: str) -> Path:
    """The file with the process id of `name`."""
    return state / "run" / f"{name}.pid"


def url(port: int) -> str:
    """The address of a process of ours, from this machine."""
    return f"http://{HOST}:{port}"


def _program(
    state: Path, name: str, module: tuple[str, ...], environment: Mapping[str, str], port: int
) -> Program:
    ready = f"{url(port)}/readyz"
    return Program(
        name=name,
        command=(sys.executable, "-m", *module),
        record=record(state, name),
        environment={
            **environment,
            "SITEWARD_HOST": HOST,
            "SITEWARD_PORT": str(port),
            "SITEWARD_TEST_CLOCKS": "true",
        },
        gives_way=name in _GIVE_WAY,
        serves=lambda: _answers(ready),
    )


async def _answers(address: str) -> bool:
    import aiohttp  # noqa: PLC0415 - slow to import, and the servers can start meanwhile

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_PATIENCE)) as session,
            session.get(address) as response,
        ):
            return response.ok
    except (aiohttp.ClientError, TimeoutError):
        return False
