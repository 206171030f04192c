"""When are two requests the same?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.db.idempotency import fingerprint

BODY = b'{"sku": "OT_SITE_L", "quantity": 3}'
FIRST = fingerprint("POST", "/v1/licenses", BODY)


@pytest.mark.parametrize(
    "body",
    [
        b'{"quantity":3,"sku":"OT_SITE_L"}',
        b'{ "quantity" : 3 ,\n"sku" : "OT\\u005fSITE_L" }\n',
    ],
)
def test_a_body_is_compared_by_what_it_says(body: bytes) -> None:
    assert fingerprint("POST", "/v1/licenses", body) == FIRST


@pytest.mark.parametrize(
    ("method", "target", "body"),
    [
        ("PATCH", "/v1/licenses", BODY),
        ("POST", "/v1/licenses/", BODY),
        ("POST", "/v1/licenses?dry_run=false", BODY),
        ("POST", "/v1/licenses", b'{"sku": "OT_SITE_L", "quantity": 4}'),
        ("POST", "/v1/licenses", b'{"sku": "OT_SITE_L", "quantity": "3"}'),
        ("POST", "/v1/licenses", b""),
    ],
)
def test_another_method_address_or_content_is_another_request(method: str, target: str, body: bytes) -> None:
    assert fingerprint(method, target, body) != FIRST


@given(st.binary() | st.integers(0, 2_000).map(lambda depth: b"[" * depth + b"]" * depth))
def test_any_body_has_a_fingerprint(body: bytes) -> None:
    assert len(fingerprint("POST", "/v1/licenses", body)) == 32
    assert fingerprint("POST", "/v1/licenses", body) == fingerprint("POST", "/v1/licenses", body)
