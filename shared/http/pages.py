"""Lists: keyset pages that stay stable while others write."""

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, Field, ValidationInfo, field_validator
from starlette.requests import Request

from shared.http import problems
from shared.http.call import Call, Query
from shared.http.problems import Refused

_Item = TypeVar("_Item", bound=BaseModel)
_DEFAULT: Final = 50
_MOST: Final = 200
_MARK: Final = 6
_NOT_A_CURSOR: Final = "Not a cursor of this list."


class Paging(Query):
    """The query of a list."""

    limit: int = Field(default=_DEFAULT, ge=1, le=_MOST)
    cursor: str | None = None

    @field_validator("cursor")
    @classmethod
    def _opened(cls, cursor: str | None, known: ValidationInfo) -> str | None:
        """Once it is read, the cursor is the key that is in it."""
        return None if cursor is None else _key_in(cursor, cast("Request", known.context))

    def after(self) -> str | None:
        """The key that the page starts after; None for the first page."""
        return self.cursor

    def after_id(self) -> UUID | None:
        """The same, for a list in the order of ids. Raises Refused (422)."""
        try:
            return None if self.cursor is None else UUID(self.cursor)
        except ValueError as error:
            raise not_a_cursor() from error


class Page(BaseModel, Generic[_Item]):
    """One page of a list; `next_cursor` is absent on the last one."""

    items: list[_Item]
    next_cursor: str | None = Field(default=None, exclude_if=lambda cursor: cursor is None)


def answer_page(call: Call, paging: Paging, items: Sequence[_Item], *, key: Callable[[_Item], str]) -> None:
    """Answer with a page, given one item more than asked for where there are more."""
    shown = items[: paging.limit]
    headers: Mapping[str, str] = {}
    cursor = None
    if len(items) > paging.limit:
        cursor = _cursor_at(key(shown[-1]), call.request)
        query = urlencode(dict(call.request.query_params) | {"cursor": cursor})
        headers = {"link": f'<{call.request.url.path}?{query}>; rel="next"'}
    page: Page[_Item] = Page.model_construct(items=list(shown), next_cursor=cursor)
    call.answer(200, page, headers=headers)


def not_a_cursor() -> Refused:
    """What a list raises whose keys are its own."""
    return Refused(problems.invalid_request([{"pointer": "cursor", "detail": _NOT_A_CURSOR}]))


def _cursor_at(key: str, request: Request) -> str:
    return base64.urlsafe_b64encode(_mark_of(request) + key.encode()).decode().rstrip("=")


def _key_in(cursor: str, request: Request) -> str:
    """Raises ValueError for what `_cursor_at` did not write for this list."""
    try:
        content = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        key = content[_MARK:].decode()
    except ValueError:
        raise ValueError(_NOT_A_CURSOR) from None
    if "\x00" in key or _cursor_at(key, request) != cursor:  # U+0000 is no text of PostgreSQL's
        raise ValueError(_NOT_A_CURSOR)
    return key


def _mark_of(request: Request) -> bytes:
    """What tells lists apart: the address, and what was asked for besides how much and from where."""
    asked = sorted(
        (name, value) for name, value in request.query_params.items() if name not in {"limit", "cursor"}
    )
    return hashlib.blake2b(repr((request.url.path, asked)).encode(), digest_size=_MARK).digest()
