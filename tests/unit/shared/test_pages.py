"""Do the pages of a list, read one after the other, show each item once?"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.wire import WireModel
from shared.http.call import Read
from shared.http.pages import Paging, answer_page
from shared.http.problems import Refused
from tests.unit.shared.requests import a_request


class Item(WireModel):
    key: str


class Search(Paging):
    search: str | None = None


def page(keys: Sequence[str], query: str) -> tuple[Any, str | None]:
    """The page of a list of `keys` in order, and where the next one is."""
    call = Read(a_request("/v1/items", query))
    asked = call.query(Search)
    after = asked.after() or ""
    found = [Item(key=key) for key in keys if key > after][: asked.limit + 1]
    answer_page(call, asked, found, key=lambda item: item.key)
    link = call.response.headers.get("link")
    return orjson.loads(call.response.body), None if link is None else link[1:].partition(">")[0]


def refused(query: str) -> Sequence[Any]:
    with pytest.raises(Refused) as error:
        Read(a_request(query=query)).query(Search).after_id()
    assert (error.value.problem.status, error.value.problem.code) == (422, "InvalidRequest")
    return error.value.problem.errors


@given(
    st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
        unique=True,
        max_size=20,
    ).map(sorted),
    st.integers(1, 7),
)
def test_following_the_links_shows_each_item_once(keys: list[str], limit: int) -> None:
    shown: list[str] = []
    query: str | None = f"limit={limit}"
    while query is not None:
        body, link = page(keys, query)
        assert 0 < len(body["items"]) <= limit or not keys
        shown += [item["key"] for item in body["items"]]
        query = None if link is None else urlsplit(link).query
    assert shown == keys


def test_the_last_page_has_neither_cursor_nor_link() -> None:
    assert page(["a", "b"], "limit=2") == ({"items": [{"key": "a"}, {"key": "b"}]}, None)
    assert page([], "") == ({"items": []}, None)


def test_the_link_keeps_what_was_asked_and_carries_the_cursor() -> None:
    body, link = page(["a", "b"], "limit=1&search=%C3%A4%20%26")
    assert link is not None
    parts = urlsplit(link)
    assert parts.path == "/v1/items"
    assert parse_qs(parts.query) == {"limit": ["1"], "search": ["ä &"], "cursor": [body["next_cursor"]]}


def test_what_is_written_meanwhile_moves_nothing_to_another_page() -> None:
    first, _ = page(["b", "d", "f"], "limit=2")
    second, _ = page(["a", "b", "c", "d", "e", "f"], f"limit=2&cursor={first['next_cursor']}")
    assert [item["key"] for item in second["items"]] == ["e", "f"]


def test_a_page_has_50_items_unless_asked_and_200_at_the_most() -> None:
    assert Read(a_request()).query(Paging).limit == 50
    assert Read(a_request(query="limit=200")).query(Paging).limit == 200
    for limit in ("0", "-1", "201", "1.5", "ten", ""):
        [error] = refused(f"limit={limit}")
        assert error["pointer"] == "limit"


@pytest.mark.parametrize("cursor", ["", "!", "%2B%2F", "AA", "_w", "a b", "%C3%A4", "QUJD", "A" * 999])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    [error] = refused(f"cursor={cursor}")
    assert error == {"pointer": "cursor", "detail": "Not a cursor of this list."}


def test_a_cursor_of_something_else_than_ids_is_refused_by_a_list_of_ids() -> None:
    body, _ = page(["a", "b"], "limit=1")
    asked = Read(a_request("/v1/items", f"cursor={body['next_cursor']}")).query(Paging)
    with pytest.raises(Refused, match="see errors"):
        asked.after_id()


def test_a_cursor_is_taken_to_the_letter_and_for_its_own_list_alone() -> None:
    body, _ = page(["abc", "b"], "limit=1&search=x")
    cursor = body["next_cursor"]

    def after(path: str, query: str) -> str | None:
        return Read(a_request(path, query)).query(Search).after()

    assert after("/v1/items", f"cursor={cursor}&search=x&limit=9") == "abc"
    for path, query in (
        *(("/v1/items", f"cursor={other}&search=x") for other in _nearly(cursor)),
        ("/v1/others", f"cursor={cursor}&search=x"),
        ("/v1/items", f"cursor={cursor}&search=y"),
        ("/v1/items", f"cursor={cursor}"),
    ):
        with pytest.raises(Refused):
            after(path, query)


def _nearly(cursor: str) -> list[str]:
    half = len(cursor) // 2
    return [
        cursor + "==",
        "%0A" + cursor,
        cursor[1:],
        *(cursor[:half] + sign + cursor[half:] for sign in "! /"),
    ]


def test_a_cursor_of_ids_is_the_last_id() -> None:
    ids = sorted(str(uuid4()) for _ in range(3))
    body, _ = page(ids, "limit=2")
    after = Read(a_request("/v1/items", f"cursor={body['next_cursor']}")).query(Paging).after_id()
    assert after == UUID(ids[1])


@pytest.mark.parametrize(
    ("query", "pointer", "detail"),
    [
        ("color=red", "color", "This field is not known here."),
        ("limit=5&limit=6", "limit", "Given twice."),
        ("search=a%00b", "search", "May not contain U+0000."),
    ],
)
def test_a_parameter_that_does_not_fit_is_named(query: str, pointer: str, detail: str) -> None:
    assert refused(query) == [{"pointer": pointer, "detail": detail}]
