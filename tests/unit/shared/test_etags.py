"""What changes an ETag, and which ones match?"""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.wire import Utc, WireModel
from shared.http.etags import etag_of, match, unchanged
from shared.http.problems import Refused
from tests.unit.shared.requests import a_request
from tests.unit.times import at


class Thing(WireModel):
    name: str
    count: int


class Projected(WireModel):
    name: str
    as_of: Utc


def tag(version: int, thing: WireModel) -> str:
    return etag_of(version, thing, thing.model_dump_json().encode())


@given(st.integers(1, 10**6), st.text(), st.integers())
def test_an_etag_is_strong_and_names_the_version(version: int, name: str, count: int) -> None:
    etag = tag(version, Thing(name=name, count=count))
    assert etag.startswith(f'"{version}-')
    assert etag.endswith('"')
    assert etag == tag(version, Thing(name=name, count=count))


def test_any_change_of_the_body_changes_it_with_or_without_a_new_version() -> None:
    thing = Thing(name="L", count=1)
    assert tag(1, thing) != tag(1, Thing(name="L", count=2))
    assert tag(1, thing) != tag(2, thing)


def test_when_it_was_looked_at_does_not_change_it() -> None:
    one, later = (Projected(name="L", as_of=at("2026-03-01") + timedelta(days=days)) for days in (0, 1))
    assert tag(1, one) == tag(1, later)
    assert tag(1, one) != tag(1, Projected(name="XL", as_of=at("2026-03-01")))


@pytest.mark.parametrize(
    ("method", "known", "is_unchanged"),
    [
        ("GET", '"1-ab"', True),
        ("GET", 'W/"1-ab"', True),
        ("GET", '"0-cd", "1-ab"', True),
        ("GET", "*", True),
        ("HEAD", '"1-ab"', True),
        ("GET", '"1-cd"', False),  # the same version, and yet something in it moved
        ("GET", "1-ab", False),
        ("GET", "", False),
        ("POST", '"1-ab"', False),
    ],
)
def test_if_none_match_compares_all_of_it(method: str, known: str, is_unchanged: bool) -> None:  # noqa: FBT001 - of the parametrization
    request = a_request(method=method, headers={"If-None-Match": known})
    assert unchanged(request, '"1-ab"') is is_unchanged


def test_without_if_none_match_or_an_etag_there_is_nothing_to_compare() -> None:
    assert not unchanged(a_request(), '"1-ab"')
    assert not unchanged(a_request(headers={"If-None-Match": "*"}), None)


@pytest.mark.parametrize("asked", ['"3-ab"', '"3-of another day"', '"1-x", "3-y"', "*", ' "3-ab" '])
def test_if_match_compares_the_version_alone(asked: str) -> None:
    match(a_request(headers={"If-Match": asked}), 3, required=True)


@pytest.mark.parametrize("asked", ['"2-ab"', '"33-ab"', "", ",", '"-3"', '"ab-3"', '"03-ab"', '"3.0-ab"'])
def test_another_version_fails_the_precondition(asked: str) -> None:
    with pytest.raises(Refused) as refused:
        match(a_request(headers={"If-Match": asked}), 3, required=False)
    assert (refused.value.problem.status, refused.value.problem.code) == (412, "PreconditionFailed")


def test_a_weak_tag_never_matches() -> None:
    with pytest.raises(Refused):
        match(a_request(headers={"If-Match": 'W/"3-ab"'}), 3, required=False)


@pytest.mark.parametrize("asked", ["*", '"1-ab"', '"None-ab"', '"0-ab"'])
def test_nothing_matches_what_is_not_there(asked: str) -> None:
    match(a_request(), None, required=False)
    with pytest.raises(Refused) as refused:
        match(a_request(headers={"If-Match": asked}), None, required=False)
    assert (refused.value.problem.status, refused.value.problem.code) == (412, "PreconditionFailed")


def test_if_match_is_asked_for_only_where_it_is_required() -> None:
    match(a_request(), 3, required=False)
    with pytest.raises(Refused) as refused:
        match(a_request(), 3, required=True)
    assert (refused.value.problem.status, refused.value.problem.code) == (428, "PreconditionRequired")
