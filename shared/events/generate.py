"""Write the contract's files from the models: `python -m shared.events.generate [--check]`.

The files are schemas/<type>.json and asyncapi.yaml beside this. A schema is only ever extended: a change that
a reader could stumble over is refused, for it needs a type of its own. `--check` writes nothing; it fails
when a file is not as the models would have it, or can't follow the last release (the newest tag v…, if any).
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
import yaml

from shared.events.asyncapi import document
from shared.events.codec import EVENTS
from shared.events.compatibility import incompatibilities
from shared.events.json_schema import schema_of

HERE: Final = Path(__file__).parent
_HOW_TO_GO_ON: Final = """\
Inside a version there are only additions: a new field with a default. For anything else make a v2 of the type
and publish both for one release. (Was the type never released? Then delete its file in schemas/ and generate
again.)"""

Schemas = Mapping[str, Mapping[str, Any]]
"""By type."""


def contract_files() -> dict[str, str]:
    """What every file should hold, by its path from here."""
    files = {
        f"schemas/{event_type}.json": orjson.dumps(
            schema_of(event), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
        ).decode()
        for event_type, event in EVENTS.items()
    }
    files["asyncapi.yaml"] = "# Written by `python -m shared.events.generate`.\n" + yaml.dump(
        document(), Dumper=_Plain, sort_keys=False, allow_unicode=True, width=110
    )
    return files


def refusals(released: Schemas) -> list[str]:
    """Why the models can't follow what was released; empty when they can."""
    current = {event_type: schema_of(event) for event_type, event in EVENTS.items()}
    reasons = []
    for event_type, schema in released.items():
        if event_type not in current:
            reasons.append(f"{event_type} has no model any more")
            continue
        reasons += [f"{event_type}: {reason}" for reason in incompatibilities(schema, current[event_type])]
    return reasons


def golden(folder: Path) -> Schemas:
    """The schemas that lie in `folder`."""
    return {path.stem: orjson.loads(path.read_bytes()) for path in sorted(folder.glob("*.json"))}


def last_release() -> Schemas:
    """The schemas as of the newest tag `v…`; none where there is no such tag, or no git to ask."""
    tag = _git("describe", "--tags", "--abbrev=0", "--match=v*").strip()
    if not tag:
        return {}
    paths = _git("ls-tree", "--name-only", tag, "./schemas/").splitlines()
    return {Path(path).stem: orjson.loads(_git("show", f"{tag}:./{path}")) for path in paths}


def stale(files: Mapping[str, str], here: Path) -> list[str]:
    """The files that are missing, or not as they should be."""
    return [
        name
        for name, text in files.items()
        if not (path := here / name).is_file() or path.read_text(encoding="utf-8") != text
    ]


def main(arguments: list[str] | None = None, here: Path = HERE) -> int:
    """0 when all is well; otherwise says why not, and writes nothing."""
    parser = argparse.ArgumentParser(prog="python -m shared.events.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when a file would change")
    check = parser.parse_args(arguments).check

    if reasons := refusals(golden(here / "schemas")) or (refusals(last_release()) if check else []):
        return _fail([*reasons, _HOW_TO_GO_ON])
    files = contract_files()
    differing = stale(files, here)
    if check:
        return (
            _fail(
                [
                    *differing,
                    "These are not as the models would have them: run `python -m shared.events.generate`.",
                ]
            )
            if differing
            else 0
        )
    (here / "schemas").mkdir(exist_ok=True)
    for name in differing:
        (here / name).write_text(files[name], encoding="utf-8")
    return 0


class _Plain(yaml.SafeDumper):
    """No anchors, and a text of several lines as a block: for reading."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the library's signature
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Plain.add_representer(str, _text)


def _git(*arguments: str) -> str:
    """What git says of the repository around here; nothing when it can't answer."""
    # Within a git hook these would point elsewhere.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(  # noqa: S603 - the arguments are ours
            ["git", *arguments],  # noqa: S607 - the developer's own
            cwd=HERE,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        return ""
    return done.stdout if done.returncode == 0 else ""


def _fail(lines: Iterable[str]) -> int:
    sys.stderr.write("\n".join(lines) + "\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
