"""Is this activation file good? Answered offline, from the file and the published keys alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from shared.activation.file import SignatureInvalid, read
from shared.activation.keys import read_public

_TIMES: Final = ("iat", "nbf", "exp")


class ActivationFileRefused(Exception):
    """`code` is the API's own, or ActivationFileNotYetValid for a file from the future."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Expected:
    """Who asks, and what it took before."""

    sensor: str | None = None
    """None: any; a console's file is for no sensor."""
    last_serial: int | None = None
    """The serial that it last accepted; an older one is refused."""


def verify(file: str, jwks: bytes, *, expected: Expected, now: datetime) -> Mapping[str, Any]:
    """The claims of a file that is good at `now` (aware UTC).

    Raises ActivationFileRefused: of another algorithm, key or content than was signed, for another sensor, older
    than one taken before, from the future, expired. Raises NotAKeySet where `jwks` is none.
    """
    try:
        claims = read(file, read_public(jwks))
    except SignatureInvalid as error:
        raise ActivationFileRefused("ActivationFileSignatureInvalid", str(error)) from error
    times = {name: claims[name] for name in _TIMES if name in claims}
    serial = claims.get("serial")
    if not isinstance(serial, int) or not all(isinstance(one, int) for one in times.values()):
        raise ActivationFileRefused("ActivationFileSignatureInvalid", "Its claims are not those of a file.")
    if expected.sensor is not None and str(claims.get("sensor", "")).lower() != expected.sensor.lower():
        raise ActivationFileRefused("ActivationFileWrongSensor", f"It is not for sensor {expected.sensor!r}.")
    if expected.last_serial is not None and serial < expected.last_serial:
        detail = f"Its serial {serial} is older than {expected.last_serial}, which was accepted before."
        raise ActivationFileRefused("ActivationFileSuperseded", detail)
    at = now.timestamp()
    if at < max(times.get("iat", 0), times.get("nbf", 0)):
        raise ActivationFileRefused("ActivationFileNotYetValid", "It was issued in the future.")
    if "exp" in times and at >= times["exp"]:
        raise ActivationFileRefused("ActivationFileExpired", "It could be used for 14 days, which are over.")
    return claims
