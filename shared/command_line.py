"""`python -m services.<name> api|worker|migrate`: the same commands wherever a service runs."""

import argparse
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

from shared.logs import set_up_logs
from shared.process import run
from shared.settings import ServiceSettings, from_environment

Command = Callable[[ServiceSettings], Coroutine[Any, Any, None]]
FileCommand = Callable[[ServiceSettings, Path], Coroutine[Any, Any, None]]


def run_command(
    service: str, commands: Mapping[str, Command], *, of_a_file: Mapping[str, FileCommand] | None = None
) -> None:
    """Run the command that the first argument names, with the settings of the environment.

    Those in `of_a_file` take a FILE as the second argument. Raises SystemExit where something does not fit.
    """
    taking_a_file = of_a_file or {}
    parser = argparse.ArgumentParser(prog=f"python -m services.{service}")
    named = parser.add_subparsers(dest="command", metavar="command", required=True)
    for name in sorted({*commands, *taking_a_file}):
        one = named.add_parser(name)
        if name in taking_a_file:
            one.add_argument("file", metavar="FILE", type=Path)
    asked = parser.parse_args()
    settings = from_environment(ServiceSettings)
    set_up_logs(f"{service} {asked.command}", settings.log_level)
    if asked.command in taking_a_file:
        run(lambda: taking_a_file[asked.command](settings, asked.file))
    else:
        run(lambda: commands[asked.command](settings))
