"""The busier a relay is, the longer it gathers, within bounds."""

import pytest

from shared.kafka.relay import pause_after


@pytest.mark.parametrize(
    ("found", "seconds"), [(0, 0.005), (1, 0.005), (5, 0.005), (7, 0.007), (10, 0.01), (499, 0.01)]
)
def test_the_pause_grows_with_what_was_found(found: int, seconds: float) -> None:
    assert pause_after(found) == pytest.approx(seconds)
