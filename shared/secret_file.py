"""Files that hold secrets: readable by their owner alone, and whole at any moment."""

from pathlib import Path


def write_secret(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read; whole, or not at all."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.unlink(missing_ok=True)
    unfinished.touch(mode=0o600)
    unfinished.write_bytes(content)
    unfinished.replace(path)
