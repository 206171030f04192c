"""Where are the broker's jars? In the project's own folder, once Maven has fetched them."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.local.errors import SetupError
from deploy.local.java import Java
from deploy.local.places import PROJECT, STATE
from deploy.local.process import run
from deploy.local.trust import java_options

_POM: Final = PROJECT / "deploy" / "kafka" / "pom.xml"
_STORE: Final = STATE / "kafka"


async def ensure_jars(runtime: Java, say: Callable[[str], None]) -> Path:
    """The folder with the jars; they are fetched unless this very POM's are there, whole.

    Raises SetupError.
    """
    jars = _STORE / f"jars-{hashlib.sha256(_POM.read_bytes()).hexdigest()[:12]}"
    if not jars.exists():
        say("Apache Kafka: fetching it with Maven (once)")
        await _fetch(jars, runtime)
    return jars


async def _fetch(jars: Path, runtime: Java) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise SetupError(
            "Maven (`mvn`) is needed once, to fetch Apache Kafka: install it (Debian, Ubuntu: "
            "apt install maven; macOS: brew install maven), or point KAFKA_BOOTSTRAP_SERVERS at a broker "
            "that runs already."
        )
    _STORE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=_STORE) as unfinished:
        options = [os.environ.get("MAVEN_OPTS", "")]
        if runtime.from_wheel:
            options += java_options(Path(unfinished, "trusted.p12"))
        await run(
            (
                *(maven, "--quiet", "--batch-mode", "--file", str(_POM)),
                *("dependency:copy-dependencies", f"-DoutputDirectory={unfinished}/jars"),
            ),
            environment={"JAVA_HOME": str(runtime.home), "MAVEN_OPTS": " ".join(options)},
            doing="fetching Apache Kafka with Maven",
        )
        _put(Path(unfinished, "jars"), jars)


def _put(complete: Path, jars: Path) -> None:
    """Move the folder to its place, unless somebody has fetched the same meanwhile."""
    if not jars.exists():
        complete.rename(jars)
