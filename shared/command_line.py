"""`python -m services.<name> api|worker|migrate`: the same commands wherever a service runs."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from shared.logs import set_up_logs
from shared.process import run
from shared.settings import ServiceSettings, from_environment

Command = Callable[[ServiceSettings], Coroutine[Any, Any, None]]


def run_command(service: str, commands: Mapping[str, Command]) -> None:
    """Run the command that the first argument names, with the settings of the environment.

    Raises SystemExit where either does not fit.
    """
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    parser.add_argument("command", choices=sorted(commands))
    name: str = parser.parse_args().command
    settings = from_environment(ServiceSettings)
    set_up_logs(f"{service} {name}", settings.log_level)
    run(lambda: commands[name](settings))
