"""`siteward verify`: is an activation file good, by the published keys alone?"""

import sys
from datetime import UTC, datetime
from pathlib import Path

from shared.activation.keys import NotAKeySet
from shared.activation.verify import ActivationFileRefused, Expected, verify
from shared.clock import wall_clock
from shared.events.wire import utc_text


def main(file: str, keys: str, *, sensor: str | None, last_serial: int | None, at: str | None) -> int:
    """Say whether it is; exit code 0: it is, 1: it is refused, 2: something cannot be read."""
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_bytes().decode()
        jwks = Path(keys).read_bytes()
        now = wall_clock() if at is None else datetime.fromisoformat(at).astimezone(UTC)
        claims = verify(text, jwks, expected=Expected(sensor, last_serial), now=now)
    except UnicodeDecodeError:
        print("ActivationFileSignatureInvalid: It is not an activation file.")
        return 1
    except ActivationFileRefused as refused:
        print(f"{refused.code}: {refused}")
        return 1
    except NotAKeySet as error:
        print(f"siteward: {keys}: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"siteward: {error}", file=sys.stderr)
        return 2
    whom = f"sensor {claims['sensor']!r}" if claims.get("audience") == "sensor" else "a management console"
    until = f", good until {utc_text(datetime.fromtimestamp(claims['exp'], UTC))}" if "exp" in claims else ""
    print(f"Good: signed for {whom}, serial {claims['serial']}{until}.")
    return 0
