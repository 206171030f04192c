"""How much may a caller ask?"""

import pytest

from gateway.limits import RateLimit, RateLimited


def test_a_quota_is_counted_down_and_then_refused_until_the_window_ends() -> None:
    limit = RateLimit("token", quota=2, seconds=60)
    assert limit.policy == '"token";q=2;w=60'
    assert limit.count("a", 100.0) == '"token";r=1;t=61'
    assert limit.count("a", 130.5) == '"token";r=0;t=30'
    with pytest.raises(RateLimited) as refused:
        limit.count("a", 131.0)
    assert refused.value.problem.status == 429
    assert refused.value.problem.headers["Retry-After"] == "30"
    assert refused.value.item == '"token";r=0;t=30'
    assert limit.count("a", 160.0) == '"token";r=1;t=61'


def test_each_key_has_a_window_of_its_own() -> None:
    limit = RateLimit("tenant", quota=1, seconds=60)
    limit.count("a", 0.0)
    assert limit.count("b", 0.0) == '"tenant";r=0;t=61'


def test_a_quota_of_zero_limits_nothing_and_says_nothing() -> None:
    limit = RateLimit("tenant", quota=0, seconds=60)
    assert limit.policy == ""
    assert [limit.count("a", 0.0) for _ in range(100)] == [""] * 100


def test_a_flood_of_keys_does_not_fill_the_memory() -> None:
    limit = RateLimit("address", quota=1, seconds=60)
    for key in range(120_000):
        limit.count(key, 0.0)
    assert len(limit._windows) <= 50_000  # noqa: SLF001 - that it stays small is not to be seen from outside
