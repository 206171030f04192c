"""What every test may ask for; nothing is started before a test asks."""

import pytest

pytest.register_assert_rewrite("tests.support")
pytest_plugins = ["tests.support.servers"]
