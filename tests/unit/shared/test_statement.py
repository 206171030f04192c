"""Does a compiled statement put its values where its SQL asks for them?"""

import pytest
from sqlalchemy import bindparam, select

from shared.db.statement import Statement
from shared.db.tables import tenants

BY_TENANT = Statement(
    select(tenants.c.clock)
    .where(tenants.c.clock > bindparam("since"), tenants.c.tenant_id == bindparam("tenant"))
    .limit(7)
)


def test_named_values_become_places() -> None:
    assert "$1" in BY_TENANT.sql
    assert BY_TENANT.arguments({"tenant": "t", "since": "s"}) == ["s", "t", 7]


def test_a_value_may_be_null() -> None:
    assert BY_TENANT.arguments({"tenant": None, "since": "s"}) == ["s", None, 7]


def test_a_value_of_the_statement_itself_may_be_nothing() -> None:
    assert Statement(select(tenants.c.clock).limit(0)).arguments({}) == [0]


def test_a_missing_value_is_noticed() -> None:
    with pytest.raises(KeyError, match="tenant"):
        BY_TENANT.arguments({"since": "s"})
