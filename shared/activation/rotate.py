"""`python -m shared.activation.rotate FILE`: sign activation files by a new key, and let the old ones be known on.

The file is replaced as a whole, and read anew by a running process. Files that an old key signed stay good as
long as that key is kept: sensors' files for 14 days, consoles' for as long as they are in use.
"""

import argparse
import sys
from pathlib import Path

from shared.activation.keys import NotAKeySet, SigningKey, read_private, write_private
from shared.secret_file import write_secret


def rotate(file: Path, *, keep: int) -> list[SigningKey]:
    """Add a key that signs from now on, and keep the newest `keep` of those before; all that are left.

    Raises NotAKeySet, OSError.
    """
    known = read_private(file.read_bytes())
    keys = [*known[max(0, len(known) - keep) :], SigningKey.new()]
    write_secret(file, write_private(keys))
    return keys


def main() -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.activation.rotate", description=__doc__)
    parser.add_argument("file", metavar="FILE", type=Path, help="what SITEWARD_SIGNING_KEYS names")
    parser.add_argument("--keep", metavar="N", type=int, default=2, help="old keys to keep; by default 2")
    asked = parser.parse_args()
    if asked.keep < 0:
        parser.error("--keep takes 0 or more")
    try:
        keys = rotate(asked.file, keep=asked.keep)
    except (NotAKeySet, OSError) as problem:
        sys.stderr.write(f"{asked.file}: {problem}\n")
        return 1
    sys.stdout.write(f"{keys[-1].kid} signs; {len(keys)} keys are published.\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
