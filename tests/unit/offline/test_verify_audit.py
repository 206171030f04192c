"""What does `siteward verify-audit` say of a saved audit trail?"""

import json
from pathlib import Path
from typing import Any

import pytest

from shared.offline.command_line import main
from tests.unit.shared.test_audit_chain import CHAIN, an_event

UNSEALED = an_event(20) | {"sequence": None, "previous_hash": None, "hash": None}


def verified(tmp_path: Path, saved: Any) -> int:
    file = tmp_path / "saved.json"
    file.write_text(saved if isinstance(saved, str) else json.dumps(saved))
    return main(["verify-audit", str(file)])


@pytest.mark.parametrize(
    "saved",
    [
        CHAIN,
        {"items": CHAIN},
        [{"items": CHAIN[:3], "next_cursor": "x"}, {"items": CHAIN[3:]}],
        [{"items": CHAIN[:5]}, {"items": CHAIN[3:]}],
        CHAIN[::-1],
    ],
    ids=["a list", "a page", "pages", "pages that overlap", "newest first"],
)
def test_a_whole_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str], saved: Any) -> None:
    assert verified(tmp_path, saved) == 0
    assert capsys.readouterr().out == "Valid: sequences 1 to 8.\n"


def test_what_is_not_sealed_yet_is_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(tmp_path, [*CHAIN, UNSEALED]) == 0
    assert capsys.readouterr().out == "Valid: sequences 1 to 8; 1 not sealed yet.\n"
    assert verified(tmp_path, [UNSEALED]) == 0
    assert verified(tmp_path, []) == 0


def test_an_event_saved_before_and_after_it_was_sealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    early = CHAIN[-1] | {"sequence": None, "previous_hash": None, "hash": None}
    assert verified(tmp_path, [early, *CHAIN]) == 0
    assert capsys.readouterr().out == "Valid: sequences 1 to 8.\n"


def test_the_end_of_a_chain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verified(tmp_path, CHAIN[4:]) == 0
    assert capsys.readouterr().out == "Valid: sequences 5 to 8; what came before 5 is not in the file.\n"


@pytest.mark.parametrize(
    ("saved", "said"),
    [
        ([*CHAIN[:3], CHAIN[3] | {"actor": "eve"}, *CHAIN[4:]], "4: it is not what was sealed"),
        (CHAIN[:3] + CHAIN[4:], "4: event 5 stands in its place"),
        ([*CHAIN, CHAIN[3] | {"actor": "eve"}], "5: event 4 stands in its place"),
        ([*CHAIN[:3], CHAIN[3] | {"at": None}, *CHAIN[4:]], "4: it is not what was sealed"),
    ],
    ids=["changed", "missing", "twice", "no time"],
)
def test_a_broken_chain_is_named_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], saved: Any, said: str
) -> None:
    assert verified(tmp_path, saved) == 1
    assert capsys.readouterr().out == f"Broken at sequence {said}.\n"


@pytest.mark.parametrize("saved", ["", "nonsense", "3", '{"lines": []}', "[3]", "[" * 100_000])
def test_what_is_no_audit_trail(tmp_path: Path, capsys: pytest.CaptureFixture[str], saved: str) -> None:
    assert verified(tmp_path, saved) == 2
    assert capsys.readouterr().err.startswith("siteward: ")


def test_no_such_file(tmp_path: Path) -> None:
    assert main(["verify-audit", str(tmp_path / "none.json")]) == 2
