"""In which form does a caller want it? `Accept`, as RFC 9110 section 12.5.1 has it."""

from collections.abc import Sequence

from starlette.requests import Request

from shared.http import problems
from shared.http.problems import Refused


def preferred(request: Request, offered: Sequence[str]) -> str:
    """The one of `offered` (media types, ours first) that the caller likes best; the first where all are alike.

    Raises Refused (406) where none will do.
    """
    accept = ", ".join(request.headers.getlist("accept"))
    if not accept.strip():
        return offered[0]
    ranges = [_range(one) for one in accept.split(",") if one.strip()]
    best = max(offered, key=lambda media_type: _quality(media_type, ranges))
    if _quality(best, ranges) <= 0:
        raise Refused(problems.not_acceptable(offered))
    return best


def _range(text: str) -> tuple[str, float]:
    """A media range and its quality; a quality that is none counts as 0, for nobody can have meant it."""
    name, *parameters = (part.strip().lower() for part in text.split(";"))
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                quality = float(value)
            except ValueError:
                return name, 0.0
            return name, quality if 0 <= quality <= 1 else 0.0
    return name, 1.0


def _quality(media_type: str, ranges: Sequence[tuple[str, float]]) -> float:
    """By the most specific range that fits."""
    kind = media_type.partition("/")[0]
    for wanted in (media_type, f"{kind}/*", "*/*"):
        qualities = [quality for name, quality in ranges if name == wanted]
        if qualities:
            return max(qualities)
    return 0.0
