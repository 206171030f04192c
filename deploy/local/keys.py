"""The keys of a local system: made once, readable by their owner alone."""

import sys
from pathlib import Path
from typing import Final

from shared.secret_file import write_secret

GATEWAY: Final = "internal-signing.json"
"""The gateway's private key, which signs the internal tokens."""
SERVICES: Final = "internal-keys.json"
"""The matching public keys, by which the services know the gateway."""
ISSUER: Final = "dev-issuer.json"
"""The private key of the development issuer."""
ACTIVATION: Final = "activation-keys.json"
"""The private keys of activation files, of which the last one signs."""


def ensure(folder: Path) -> None:
    """Make the keys that `folder` lacks."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if all((folder / name).exists() for name in (GATEWAY, SERVICES, ISSUER, ACTIVATION)):
        return
    # Only the first start needs these.
    import orjson  # noqa: PLC0415
    from joserfc.jwk import OKPKey  # noqa: PLC0415

    from shared.activation.keys import SigningKey, write_private  # noqa: PLC0415

    if not (folder / ACTIVATION).exists():
        write_secret(folder / ACTIVATION, write_private([SigningKey.new()]))
    for name in (GATEWAY, ISSUER):
        if not (folder / name).exists():
            key = OKPKey.generate_key("Ed25519", {"use": "sig"}, auto_kid=True)
            write_secret(folder / name, orjson.dumps(key.as_dict(private=True)))
    private = OKPKey.import_key(orjson.loads((folder / GATEWAY).read_bytes()))
    write_secret(folder / SERVICES, orjson.dumps({"keys": [private.as_dict(private=False)]}))


if __name__ == "__main__":
    ensure(Path(sys.argv[1]))
