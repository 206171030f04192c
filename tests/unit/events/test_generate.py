"""Does generating extend the contract's files, and refuse what would break a reader?"""

import os
import subprocess
from pathlib import Path

import orjson
import pytest

from shared.events import generate
from shared.events.licensing import LicensePurchased

SCHEMA = f"schemas/{LicensePurchased.type}.json"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    assert generate.main([], tmp_path) == 0
    return tmp_path


def release_what_the_models_lack(here: Path) -> None:
    """Pretend that a field was released which the model no longer has."""
    schema = orjson.loads((here / SCHEMA).read_bytes())
    schema["$defs"]["LicenseState"]["properties"]["region"] = {"type": "string"}
    (here / SCHEMA).write_bytes(orjson.dumps(schema))


def test_what_was_generated_passes_the_check(here: Path) -> None:
    assert generate.main(["--check"], here) == 0


@pytest.mark.parametrize("name", [SCHEMA, "asyncapi.yaml"])
def test_the_check_names_a_file_that_differs_and_leaves_it(
    here: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (here / name).read_text().replace("Licenses were bought", "Somebody bought licenses")
    (here / name).write_text(text)
    assert generate.main(["--check"], here) == 1
    assert name in capsys.readouterr().err
    assert (here / name).read_text() == text


def test_the_check_names_a_file_that_is_missing(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / SCHEMA).unlink()
    assert generate.main(["--check"], here) == 1
    assert SCHEMA in capsys.readouterr().err


def test_generating_never_takes_back_what_was_released(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release_what_the_models_lack(here)
    before = (here / SCHEMA).read_bytes()
    assert generate.main([], here) == 1
    message = capsys.readouterr().err
    assert f"{LicensePurchased.type}: data.license.region is gone" in message
    assert "v2" in message
    assert (here / SCHEMA).read_bytes() == before


def test_the_check_compares_with_the_last_release_whatever_lies_in_the_folder(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def git(*arguments: str) -> None:
        author = ["-c", "user.name=a", "-c", "user.email=a@example.com"]
        alone = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
        subprocess.run(  # noqa: S603 - in a repository of the test's own
            ["git", *author, *arguments],  # noqa: S607 - the developer's own
            cwd=here,
            env=alone,
            check=True,
            capture_output=True,
        )

    release_what_the_models_lack(here)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "A release")
    monkeypatch.setattr(generate, "HERE", here)
    (here / SCHEMA).unlink()
    assert generate.main([], here) == 0

    assert generate.main(["--check"], here) == 0  # nothing is released yet
    git("tag", "v0.1.0")
    assert generate.main(["--check"], here) == 1
    assert "data.license.region is gone" in capsys.readouterr().err
