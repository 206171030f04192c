"""Does docs/problems.md, where every problem's `type` points, tell of every code with its status?"""

import re
from collections.abc import Iterator
from typing import Final

from deploy.local.places import PROJECT
from services.licensing.api.problems import STATUSES as LICENSING
from services.plans.api.problems import STATUSES as PLANS

_NAMED: Final = re.compile(r'\b([45]\d\d),\s*"([A-Z][A-Za-z]+)"')
"""A status and a code, as they begin a `Problem(…)`."""
_BY_DEFAULT: Final = {"NotFound": 404}
"""Where the code is an argument with a default."""
_SECTION: Final = re.compile(r"^### (\w+)\n\n(\d\d\d)\. ", re.MULTILINE)
_TABLE_ROW: Final = re.compile(r"^\| (\d\d\d) \| (.+) \|$", re.MULTILINE)
_LINK: Final = re.compile(r"\[(\w+)\]\(#(\w+)\)")


def test_every_code_has_its_section_and_no_other_has() -> None:
    sections = {code: int(status) for code, status in _SECTION.findall(_page())}
    assert sections == dict(_codes())


def test_the_table_leads_to_every_section() -> None:
    listed = {
        code: int(status)
        for status, links in _TABLE_ROW.findall(_page())
        for code, anchor in _LINK.findall(links)
        if anchor == code.lower()
    }
    assert listed == dict(_codes())


def _page() -> str:
    return (PROJECT / "docs" / "problems.md").read_text()


def _codes() -> Iterator[tuple[str, int]]:
    yield from (LICENSING | PLANS | _BY_DEFAULT).items()
    for folder in ("shared/http", "gateway"):
        for path in (PROJECT / folder).glob("*.py"):
            for status, code in _NAMED.findall(path.read_text()):
                yield code, int(status)
