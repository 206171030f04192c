"""Lists: keyset pages that stay stable while others write."""

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from pydantic import BaseModel, Field

from shared.http import problems
from shared.http.call import Call, Query
from shared.http.problems import Refused

_Item = TypeVar("_Item", bound=BaseModel)
_DEFAULT: Final = 50
_MOST: Final = 200


class Paging(Query):
    """The query of a list."""

    limit: int = Field(default=_DEFAULT, ge=1, le=_MOST)
    cursor: str | None = None

    def after(self) -> str | None:
        """The key that the page starts after; None for the first page. Raises Refused (422)."""
        if self.cursor is None:
            return None
        try:
            padding = "=" * (-len(self.cursor) % 4)
            key = base64.b64decode(self.cursor + padding, altchars=b"-_", validate=True).decode()
        except (ValueError, binascii.Error) as error:
            raise not_a_cursor() from error
        if "\x00" in key:  # no text of PostgreSQL's
            raise not_a_cursor()
        return key

    def after_id(self) -> UUID | None:
        """The same, for a list in the order of ids."""
        key = self.after()
        try:
            return None if key is None else UUID(key)
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
        cursor = base64.urlsafe_b64encode(key(shown[-1]).encode()).decode().rstrip("=")
        query = urlencode(dict(call.request.query_params) | {"cursor": cursor})
        headers = {"link": f'<{call.request.url.path}?{query}>; rel="next"'}
    page: Page[_Item] = Page.model_construct(items=list(shown), next_cursor=cursor)
    call.answer(200, page, headers=headers)


def not_a_cursor() -> Refused:
    """What a list raises whose keys are its own."""
    return Refused(problems.invalid_request([{"pointer": "cursor", "detail": "Not a cursor of this list."}]))
