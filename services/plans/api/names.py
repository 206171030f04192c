"""The name in a path, of a site or a sensor."""

from collections.abc import Callable

from starlette.requests import Request

from services.plans.domain.site import is_name
from shared.http import problems
from shared.http.problems import Refused


def name_in(request: Request, absent: Callable[[str], Exception]) -> str:
    """The name of what may be there. Raises `absent` for what names nothing."""
    name: str = request.path_params["name"]
    if not is_name(name):
        raise absent(name)
    return name


def new_name_in(request: Request) -> str:
    """The name of what may be made. Raises Refused (422)."""
    return name_in(request, _no_name)


def bad_name(detail: str) -> Refused:
    return Refused(problems.invalid_request([{"pointer": "name", "detail": detail}]))


def _no_name(_: str) -> Refused:
    return bad_name("A name has 1 to 64 of the letters a to z, digits, blank, '.', '_' and '-'.")
