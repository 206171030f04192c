"""What becomes of requests that nobody means well? A refusal of the caller's making, never a failure of ours."""

import string
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote
from uuid import uuid4

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.documents import DOCUMENTS
from tests.contract.inhabited import Answer, Inhabited

MEBIBYTE: Final = 1024 * 1024

# As a whole, none of these is an object with the fields that are asked for.
BODIES: Final[dict[str, bytes]] = {
    "a NUL byte": b"\x00",
    "no UTF-8": b"\xff\xfe\xfd",
    "UTF-16": '{"sku": "OT_SITE_L"}'.encode("utf-16"),
    "cut short": b'{"sku": "OT_S',
    "two objects": b"{}{}",
    "a comment": b"{} // all of it",
    "single quotes": b"{'sku': 1}",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "text": b'"{}"',
    "not a number": b"NaN",
    "a deep list": b"[" * 100_000,
    "a deep list that is closed": b"[" * 500 + b"]" * 500,
    "a deep object": b'{"a":' * 500 + b"1" + b"}" * 500,
    "a key that is a lone surrogate": b'{"\\ud800": 1}',
    "a key with NUL": b'{"a\\u0000b": 1}',
    "a key of half a mebibyte": b'{"' + b"k" * (MEBIBYTE // 2) + b'": 1}',
    "as much as is read, and no JSON": b" " * MEBIBYTE,
    "more than is read": b" " * (MEBIBYTE + 1),
}
# In the place of any field, none of these is a value.
VALUES: Final[dict[str, bytes]] = {
    "null": b"null",
    "a list": b"[]",
    "an object": b"{}",
    "nested too deep": b"[" * 300 + b"]" * 300,
    "no number": b"NaN",
    "infinity": b"-Infinity",
    "a number beyond all": b"1e400",
    "a number of 5,000 digits": b"9" * 5_000,
    "a number below all": b"-" + b"9" * 400,
    "a part of one": b"0.5",
    "a lone surrogate": b'"\\ud800"',
    "surrogates the wrong way round": b'"\\udc00\\ud800"',
    "NUL": b'"OT\\u0000"',
    "half a mebibyte": b'"' + b"v" * (MEBIBYTE // 2) + b'"',
    "no UTF-8": b'"\xff"',
    "nothing": b"",
}


def operations_with_a_body() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Service, method, path, and a body that is as it should be."""
    for service, document in DOCUMENTS.items():
        for path, item in document["paths"].items():
            for method, operation in item.items():
                if body := operation.get("requestBody"):
                    yield service, method.upper(), path, body["content"]["application/json"]["example"]


WITH_A_BODY: Final = [
    pytest.param(*operation, id=f"{operation[1]} {operation[2]}") for operation in operations_with_a_body()
]
each_body = pytest.mark.parametrize(("service", "method", "path", "example"), WITH_A_BODY)
each_body_keyed = pytest.mark.parametrize(
    ("service", "method", "path", "example", "keyed"),
    [
        pytest.param(*operation, keyed, id=f"{operation[1]} {operation[2]}{' keyed' if keyed else ''}")
        for operation in operations_with_a_body()
        for keyed in [False, True]
        if not keyed or operation[1] == "POST"
    ],
)


def assert_refused(answer: Answer) -> None:
    """For what was sent, before anybody asked what it would do."""
    assert answer.status in {400, 413, 422}, answer
    assert answer.json["code"] in {"MalformedJson", "ContentTooLarge", "InvalidRequest"}
    assert_sound(answer)


def a_key(keyed: bool) -> dict[str, str]:  # noqa: FBT001 - of the parametrization
    return {"Idempotency-Key": str(uuid4())} if keyed else {}


def assert_sound(answer: Answer) -> None:
    """No failure of ours; and whatever is refused is refused with a problem document."""
    assert answer.status < 500, answer
    if answer.status >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json
        assert problem["status"] == answer.status
        assert problem["request_id"] == answer.headers["x-request-id"]
        assert all(set(error) == {"pointer", "detail"} for error in problem.get("errors", []))


def with_value(example: dict[str, Any], field: str, value: bytes) -> bytes:
    """The example, in which a field is written as given, whether that is JSON or not."""
    fields = [
        orjson.dumps(name) + b":" + (value if name == field else orjson.dumps(given))
        for name, given in example.items()
    ]
    return b"{" + b",".join(fields) + b"}"


@each_body_keyed
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_no_such_object_is_refused(
    inhabited: Inhabited,
    service: str,
    method: str,
    path: str,
    example: dict[str, Any],  # noqa: ARG001 - of the operation
    keyed: bool,  # noqa: FBT001 - of the parametrization
    body: bytes,
) -> None:
    answer = inhabited.send(service, method, path.format(**inhabited.names), body, headers=a_key(keyed))
    assert_refused(answer)
    if len(body) > MEBIBYTE and not path.endswith("/device-observations"):  # which are read up to 4 MiB
        assert answer.json["code"] == "ContentTooLarge"


@each_body_keyed
@pytest.mark.parametrize("value", VALUES.values(), ids=VALUES.keys())
def test_a_field_with_a_value_that_is_none_is_refused(
    inhabited: Inhabited,
    service: str,
    method: str,
    path: str,
    example: dict[str, Any],
    keyed: bool,  # noqa: FBT001 - of the parametrization
    value: bytes,
) -> None:
    address = path.format(**inhabited.names)
    for field in example:
        body = with_value(example, field, value)
        assert_refused(inhabited.send(service, method, address, body, headers=a_key(keyed)))


@each_body
def test_an_unknown_field_is_refused_by_its_name(
    inhabited: Inhabited, service: str, method: str, path: str, example: dict[str, Any]
) -> None:
    for name, pointer in {"color": "/color", "a/b~c": "/a~1b~0c", "\x00": "/\x00", "": "/"}.items():
        body = orjson.dumps(example | {name: 1})
        answer = inhabited.send(service, method, path.format(**inhabited.names), body)
        assert (answer.status, answer.json["code"]) == (422, "InvalidRequest")
        assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


@each_body
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_whatever_is_sent_nothing_fails(
    inhabited: Inhabited,
    service: str,
    method: str,
    path: str,
    example: dict[str, Any],
    data: st.DataObject,
) -> None:
    fields = st.dictionaries(st.sampled_from([*example, "dry_run"]), json_values, max_size=4)
    # Python's own writer knows NaN and lone surrogates, which is what is wanted here.
    bodies = st.binary() | fields.map(lambda given: _written(example | given))
    answer = inhabited.send(
        service, method, path.format(**inhabited.names) + "?dry_run=true", data.draw(bodies)
    )
    assert_sound(answer)


def _written(value: Any) -> bytes:
    import json  # noqa: PLC0415 - see above

    return json.dumps(value).encode()


def lists() -> list[Any]:
    return [
        pytest.param(service, path, id=path)
        for service, document in DOCUMENTS.items()
        for path, item in document["paths"].items()
        for parameter in item.get("get", {}).get("parameters", [])
        if parameter["name"] == "cursor"
    ]


@pytest.mark.parametrize(("service", "path"), lists())
@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=1e2",
        "limit=1_0",
        "limit=%2B5",
        "limit=%205",
        "limit=5.0",
        "limit=%00",
        "limit=" + "9" * 5_000,
        "limit=5&limit=6",
        "cursor=%00",
        "cursor=!!!!",
        "cursor=" + "A" * 10_001,
        "cursor=%F0%9F%92%A3",
        "%00=1",
        "%FF=1",
        "nothing=here",
        "Limit=5",
        "&".join(f"p{number}=1" for number in range(500)),
    ],
)
def test_a_query_that_does_not_fit_is_refused(
    inhabited: Inhabited, service: str, path: str, query: str
) -> None:
    answer = inhabited.send(service, "GET", f"{path.format(**inhabited.names)}?{query}")
    assert_refused(answer)
    assert answer.json["code"] == "InvalidRequest"


@pytest.mark.parametrize(("service", "path"), lists())
@pytest.mark.parametrize("cursor", ["AA", "_w", "MA", "4oKs"])  # U+0000, no UTF-8, "0", "€"
def test_a_cursor_of_no_list_is_refused_or_leads_nowhere(
    inhabited: Inhabited, service: str, path: str, cursor: str
) -> None:
    answer = inhabited.send(service, "GET", f"{path.format(**inhabited.names)}?cursor={cursor}")
    assert answer.status in {200, 422}
    assert_sound(answer)


@pytest.mark.parametrize("parameter", ["status", "sku"])
@pytest.mark.parametrize("value", ["%00", "%FF", "'", "%F0%9F%92%A3", "x" * 5_000, "%ED%A0%80"])
def test_a_filter_may_be_anything(inhabited: Inhabited, parameter: str, value: str) -> None:
    assert_sound(inhabited.send("licensing", "GET", f"/v1/licenses?{parameter}={value}"))


ids = st.one_of(
    st.text(string.printable, min_size=1, max_size=60),
    st.text(min_size=1, max_size=60).filter(lambda text: text.encode("utf-8", "ignore").decode() == text),
    st.uuids().map(str),
    st.sampled_from(["..", ".", "%", "\x00", "a/b", "a?b", "a#b", "{00000000-0000-0000-0000-000000000000}"]),
)
addresses = [
    pytest.param(service, method.upper(), path, id=f"{method} {path}")
    for service, document in DOCUMENTS.items()
    for path, item in document["paths"].items()
    for method in item
    if "{" in path and method != "put"
]


@pytest.mark.parametrize(("service", "method", "path"), addresses)
@settings(max_examples=15, deadline=None)
@given(name=ids)
def test_what_is_no_id_names_nothing(
    inhabited: Inhabited, service: str, method: str, path: str, name: str
) -> None:
    start, _, end = path.partition("{")
    address = start + quote(name, safe="") + end.partition("}")[2]
    answer = inhabited.send(service, method, address, b"{}" if method == "POST" else None)
    assert answer.status in {404, 405}, answer  # 405: "." and ".." may be another address
    assert_sound(answer)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Authorization", "Bearer"),
        ("Authorization", "Bearer ="),
        ("Authorization", "Bearer ..."),
        ("Authorization", "Bearer W10.W10.W10"),  # [] in each part
        ("Authorization", "Bearer eyJhbGciOiJub25lIn0.e30."),
        ("Authorization", "Bearer \xff\xfe"),
        ("Authorization", "Basic YTpi"),
        ("Authorization", "Bearer " + "x" * 30_000),
    ],
)
def test_what_is_no_token_is_no_caller(inhabited: Inhabited, name: str, value: str) -> None:
    for service in DOCUMENTS:
        path = {"licensing": "/v1/licenses", "plans": "/v1/plans"}[service]
        answer = inhabited.send(service, "GET", path, headers={name: value})
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert_sound(answer)


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("Idempotency-Key", "", 422),
        ("Idempotency-Key", "k" * 256, 422),
        ("Idempotency-Key", "\xe4\xff", 200),
        ("X-Request-Id", "\xff\x80", 200),
        ("X-Request-Id", "x" * 5_000, 200),
        ("traceparent", "somewhere \xff", 200),
        ("Host", "[", 200),
        ("Host", "\xff", 200),
        ("Content-Type", "\xff", 415),
        ("Content-Type", "application/json; charset=utf-16", 200),
        ("Accept", "\xff", 200),
    ],
)
def test_a_header_may_be_anything(inhabited: Inhabited, name: str, value: str, status: int) -> None:
    path = f"/v1/subscriptions/{inhabited.with_plan}/plan/preview"
    answer = inhabited.send("plans", "POST", path, b"{}", headers={name: value})
    assert answer.status == status, answer
    assert_sound(answer)


@pytest.mark.parametrize("tag", ["", '"' * 1_000, '"9999999999999999999999-0"', '"-1"', "1.0", "\xff", ","])
def test_what_is_no_tag_of_ours_matches_nothing(inhabited: Inhabited, tag: str) -> None:
    path = f"/v1/subscriptions/{inhabited.with_plan}"
    answer = inhabited.send("plans", "PUT", path, b'{"display_name": "Plant"}', headers={"If-Match": tag})
    assert (answer.status, answer.json["code"]) == (412, "PreconditionFailed")
