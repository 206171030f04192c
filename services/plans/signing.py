"""Signs activation files. The private keys are in a file outside of the database, and nowhere else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from shared.activation import file
from shared.activation.keys import SigningKey, public_jwks, read_private

PUBLIC_KEYS_KEPT: Final = "public, max-age=300"
"""How long a reader may keep the published keys: shorter than a new key is published before it may be needed."""


class ActivationKeys:
    """The keys of a key file, read anew whenever the file has changed; its last key signs."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at: tuple[int, int] | None = None
        self._keys: list[SigningKey] = []

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The activation file that says `claims`. Raises NotAKeySet, OSError."""
        key = self._current()[-1]
        return file.write(claims, kid=key.kid, key=key.private)

    def read(self, text: str) -> dict[str, Any]:
        """The claims of a file that one of the keys signed. Raises SignatureInvalid."""
        return file.read(text, {key.kid: key.private.public_key() for key in self._current()})

    def published(self) -> bytes:
        """The public keys, as a JWKS."""
        return public_jwks(self._current())

    def _current(self) -> list[SigningKey]:
        found = self._path.stat()
        changed = (found.st_mtime_ns, found.st_ino)
        if changed != self._read_at:
            self._keys = read_private(self._path.read_bytes())
            self._read_at = changed
        return self._keys
