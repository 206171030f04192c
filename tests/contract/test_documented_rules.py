"""Does docs/rules.md say what each rule is that the code, an invoice or a statement names by its number?"""

import re
from typing import Final

from deploy.local.places import PROJECT

_CITED: Final = re.compile(r"\bB(\d{1,2})\b(?:[-–]B(\d{1,2})\b)?")
_ROW: Final = re.compile(r"^\| (B[^|]+) \| ", re.MULTILINE)


def test_every_rule_that_is_cited_is_told_and_no_other_is() -> None:
    told = {
        number for rules in _ROW.findall((PROJECT / "docs" / "rules.md").read_text()) for number in _in(rules)
    }
    cited = {
        number
        for part in ("services", "shared", "gateway", "deploy")
        for file in (PROJECT / part).rglob("*.py")
        for number in _in(file.read_text())
    }
    assert told == cited


def _in(text: str) -> set[int]:
    return {
        number for first, last in _CITED.findall(text) for number in range(int(first), int(last or first) + 1)
    }
