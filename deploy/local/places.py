"""Where does what we keep on this machine live?"""

import stat
import tempfile
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).resolve().parents[2]
STATE: Final = PROJECT / ".siteward"
"""All that a run leaves behind: data, jars, keys and logs; ignored by git."""
LINK: Final = STATE / "outside"
"""Leads to what had to be put where every user can reach it."""
_OUTSIDE: Final = Path("/var/tmp")  # noqa: S108 - mkdtemp makes what is put there
_FOR_ALL: Final = 0o755


def reachable(path: Path) -> bool:
    """Whether every user of this machine can read `path`, by its mode and that of the folders above."""
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)


def outside(path: Path) -> Path:
    """A folder that stands in for `path` where every user can reach it; the same one each time."""
    folder = _place() / "-".join(path.absolute().parts[1:])
    folder.mkdir(exist_ok=True)
    folder.chmod(_FOR_ALL)
    return folder


def _place() -> Path:
    """The folder for all that lies outside; a link in our state leads there, so a new state has a new one."""
    if not LINK.exists():
        place = Path(tempfile.mkdtemp(prefix="siteward-", dir=_OUTSIDE))
        place.chmod(_FOR_ALL)
        STATE.mkdir(exist_ok=True)
        LINK.unlink(missing_ok=True)
        LINK.symlink_to(place)
    return LINK.resolve()
