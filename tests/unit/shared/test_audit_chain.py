"""Is anything that is done to a sealed chain found, wherever it is done?"""

import copy
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.audit_chain import FIRST_PREVIOUS, Chain, hash_of
from shared.canonical_json import canonical
from shared.events.wire import utc_text

START = datetime(2026, 2, 28, 23, 59, 59, 999_000, tzinfo=UTC)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT
JSON = st.recursive(
    PLAIN | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
STATES = st.none() | st.dictionaries(st.sampled_from(["quantity", "status", "price"]), PLAIN, max_size=3)


def an_event(number: int, **other: Any) -> dict[str, Any]:
    return {
        "id": str(UUID(int=number)),
        "at": utc_text(START + timedelta(seconds=number // 2)),
        "actor": "ada@example.com",
        "action": "license.quantity_changed",
        "resource": "license/1",
        "before": {"quantity": number},
        "after": {"quantity": number + 1, "price": {"amount": "1750.00", "currency": "USD"}},
        "reason": None,
        "request_id": "r-1",
    } | other


def sealed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    chain = Chain()
    shown = []
    for event in events:
        linked = event | {"sequence": chain.sequence + 1, "previous_hash": chain.hash}
        chain.seal(linked, datetime.fromisoformat(event["at"]))
        shown.append(linked | {"hash": chain.hash})
    return shown


CHAIN = sealed([an_event(number) for number in range(8)])


def first_broken(events: list[dict[str, Any]]) -> int | None:
    found = Chain().first_fault(events)
    return None if found is None else found[0]


def test_the_hash_is_that_of_the_published_form() -> None:
    event = {
        "id": "0199b0c4-0000-7000-8000-000000000000",
        "at": "2026-03-01T09:30:00Z",
        "actor": "ada@example.com",
        "action": "license.purchased",
        "resource": "license/1",
        "before": None,
        "after": {"sku": "OT_SITE_L", "quantity": 2},
        "reason": None,
        "request_id": "r-1",
        "sequence": 1,
        "previous_hash": "0" * 64,
    }
    written = (
        '{"action":"license.purchased","actor":"ada@example.com","after":{"quantity":2,"sku":"OT_SITE_L"},'
        '"at":"2026-03-01T09:30:00Z","before":null,"id":"0199b0c4-0000-7000-8000-000000000000",'
        f'"previous_hash":"{"0" * 64}","reason":null,"request_id":"r-1","resource":"license/1","sequence":1}}'
    )
    assert hash_of(event) == hashlib.sha256(written.encode()).hexdigest()
    assert hash_of(event | {"hash": "anything"}) == hash_of(event)


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_the_fast_form_is_the_published_one(value: dict[str, Any]) -> None:
    try:
        expected = rfc8785.dumps(value)
    except rfc8785.CanonicalizationError:
        with pytest.raises(rfc8785.CanonicalizationError):
            canonical(value)
    else:
        assert canonical(value) == expected


@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), PLAIN, max_size=8))
def test_so_it_is_for_what_the_fast_form_writes_itself(value: dict[str, Any]) -> None:
    assert canonical(value) == rfc8785.dumps(value)


def test_a_chain_begins_with_64_zeros_and_each_link_names_the_one_before() -> None:
    assert CHAIN[0]["previous_hash"] == FIRST_PREVIOUS == "0" * 64
    assert [one["sequence"] for one in CHAIN] == list(range(1, 9))
    assert [one["previous_hash"] for one in CHAIN[1:]] == [one["hash"] for one in CHAIN[:-1]]
    assert first_broken(CHAIN) is None
    assert first_broken([]) is None


@given(st.lists(STATES, max_size=10))
def test_what_was_sealed_is_whole_and_stays_so_on_its_way_through_json(states: list[Any]) -> None:
    chain = sealed([an_event(number, after=state) for number, state in enumerate(states)])
    assert first_broken(json.loads(json.dumps(chain))) is None


@given(st.data())
def test_a_change_of_any_one_field_is_found_where_it_is(data: st.DataObject) -> None:
    broken = copy.deepcopy(CHAIN)
    place = data.draw(st.integers(0, len(broken) - 1))
    name = data.draw(st.sampled_from(sorted(broken[place])))
    before = broken[place][name]
    value = data.draw((PLAIN | STATES).filter(lambda new: new != before or type(new) is not type(before)))
    broken[place][name] = value
    assert first_broken(broken) == place + 1


@given(st.integers(0, len(CHAIN) - 1), st.sampled_from(["before", "after"]))
def test_a_change_deep_within_a_state_is_found(place: int, state: str) -> None:
    broken = copy.deepcopy(CHAIN)
    broken[place][state]["quantity"] += 1
    assert first_broken(broken) == place + 1


@given(st.integers(0, len(CHAIN) - 2))
def test_a_missing_event_is_found(place: int) -> None:
    assert first_broken(CHAIN[:place] + CHAIN[place + 1 :]) == place + 1


@given(st.permutations(range(len(CHAIN))))
def test_another_order_is_found(order: list[int]) -> None:
    moved = next((place for place, number in enumerate(order) if place != number), None)
    assert first_broken([CHAIN[number] for number in order]) == (None if moved is None else moved + 1)


@given(st.integers(0, len(CHAIN) - 2))
def test_an_event_that_was_sealed_anew_breaks_the_chain_at_the_next(place: int) -> None:
    broken = copy.deepcopy(CHAIN)
    broken[place]["actor"] = "eve@example.com"
    broken[place]["hash"] = hash_of(broken[place])
    assert first_broken(broken) == place + 2


def test_times_that_run_backwards_are_found_though_well_sealed() -> None:
    assert first_broken(sealed([an_event(6), an_event(7), an_event(2)])) == 3


@given(st.integers(1, len(CHAIN) - 1))
def test_a_chain_can_be_followed_from_anywhere(place: int) -> None:
    chain = Chain(place, CHAIN[place - 1]["hash"])
    assert chain.first_fault(CHAIN[place:]) is None
    assert (chain.sequence, chain.hash) == (len(CHAIN), CHAIN[-1]["hash"])
