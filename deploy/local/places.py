"""Where does what we keep on this machine live?"""

import hashlib
import os
import stat
from pathlib import Path
from typing import Final

from deploy.local.errors import SetupError

PROJECT: Final = Path(__file__).resolve().parents[2]
STATE: Final = PROJECT / ".siteward"
"""All that a run leaves behind: data, jars, keys and logs; ignored by git."""
OUTSIDE: Final = Path("/var/tmp")  # noqa: S108 - `outside` makes sure that what it finds there is its own


def reachable(path: Path) -> bool:
    """Whether every user of this machine can read `path`, by its mode and that of the folders above."""
    if not path.stat().st_mode & stat.S_IROTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.absolute().parents)


def outside(path: Path) -> Path:
    """A folder that stands in for `path` where every user can reach it; always the same one.

    Raises SetupError when somebody else has put something there.
    """
    place = _made(all_outside())
    return _made(place / "-".join(path.absolute().parts[1:]))


def all_outside() -> Path:
    """The folder in which all those of this checkout lie; it need not be there."""
    return OUTSIDE / f"siteward-{hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:12]}"


def _made(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SetupError(f"{folder} belongs to somebody else; remove it.")
    folder.chmod(0o755)
    return folder
