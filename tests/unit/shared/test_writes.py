"""Does everything that a unit of work writes go to PostgreSQL as one statement?"""

from typing import Any, Final
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import Moment
from shared.db.writes import Writes

metadata: Final = MetaData()
things: Final = Table(
    "things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text),
    Column("facts", JSONB),
)
notes: Final = Table(
    "notes",
    metadata,
    Column("thing", Uuid, primary_key=True),
    Column("at", Moment, primary_key=True),
    Column("text", Text),
)


def test_nothing_to_write_is_nothing() -> None:
    assert not Writes()


def test_rows_of_one_table_are_one_insert_with_an_array_a_column() -> None:
    writes = Writes()
    writes.insert(things, id=1, name="a")
    writes.insert(things, id=2, name="b")
    assert writes
    sql, arguments = writes.statement()
    assert sql == (
        "INSERT INTO things (id, name) SELECT v.id, v.name "
        "FROM unnest($1::INTEGER[], $2::TEXT[]) AS v(id, name)"
    )
    assert arguments == [(1, 2), ("a", "b")]


def test_a_change_is_by_primary_key_and_leaves_that_alone() -> None:
    writes = Writes()
    writes.update(notes, thing="t", at="now", text="x")
    sql, _ = writes.statement()
    assert sql == (
        "UPDATE notes AS t SET text = v.text "
        "FROM (VALUES ($1::UUID, $2::TIMESTAMP WITH TIME ZONE, $3::TEXT)) AS v(thing, at, text) "
        "WHERE t.thing = v.thing AND t.at = v.at"
    )


def test_several_tables_are_one_statement_still() -> None:
    writes = Writes()
    writes.insert(things, id=1, name="a")
    writes.update(things, id=2, name="b")
    writes.insert(notes, thing="t", at="now", text="x")
    sql, arguments = writes.statement()
    assert sql.startswith("WITH w0 AS (INSERT INTO things ")
    assert ", w1 AS (UPDATE things " in sql
    assert sql.index("INSERT INTO notes") > sql.index("w1 AS")
    assert ";" not in sql
    assert [f"${place}::" in sql for place in range(1, 9)] == [True] * 7 + [False]
    assert arguments == [1, "a", 2, "b", "t", "now", "x"]


def test_one_table_with_several_rows_makes_an_array_of_every_column() -> None:
    writes = Writes()
    writes.insert(things, id=1, name="a")
    writes.insert(things, id=2, name="b")
    writes.insert(notes, thing="t", at="now", text="x")
    sql, arguments = writes.statement()
    assert "VALUES" not in sql
    assert arguments == [(1, 2), ("a", "b"), ("t",), ("now",), ("x",)]


def test_json_goes_as_text_and_null_stays_null() -> None:
    writes = Writes()
    given: list[Any] = [{"a": [1]}, None, []]
    for number, facts in enumerate(given):
        writes.insert(things, id=number, facts=facts)
    sql, arguments = writes.statement()
    assert "v.facts::jsonb FROM unnest($1::INTEGER[], $2::text[])" in sql
    assert arguments[1] == ['{"a":[1]}', None, "[]"]


@pytest.mark.parametrize(("facts", "written"), [({"a": [1]}, '{"a":[1]}'), (None, None), ([], "[]")])
def test_json_of_a_single_row_too(facts: Any, written: str | None) -> None:
    writes = Writes()
    writes.insert(things, id=1, facts=facts)
    sql, arguments = writes.statement()
    assert "v.facts::jsonb FROM (VALUES ($1::INTEGER, $2::text))" in sql
    assert arguments == [1, written]


def test_the_statement_is_the_same_for_any_number_of_rows_but_one() -> None:
    few, many = Writes(), Writes()
    for number in range(2):
        few.insert(things, id=number, name="a")
    for number in range(1000):
        many.insert(things, id=number, name="a")
    assert few.statement()[0] is many.statement()[0]  # so that PostgreSQL's plan of it is kept


def test_new_rows_can_name_their_tenants_before_the_first_of_them_is_written() -> None:
    tenants = [UUID(int=1), UUID(int=2)]
    writes = Writes()
    writes.insert(things, id=1, name="a")
    writes.ensure(notes, thing="t", at="now")
    assert writes.only_new()
    sql, arguments = writes.statement(tenants)
    assert sql == (
        "WITH told AS MATERIALIZED (SELECT set_config('app.tenants', $1, true)), "
        "w0 AS (INSERT INTO things (id, name) SELECT v.id, v.name "
        "FROM (VALUES ($2::INTEGER, $3::TEXT)) AS v(id, name), told) "
        "INSERT INTO notes (thing, at) SELECT v.thing, v.at "
        "FROM (VALUES ($4::UUID, $5::TIMESTAMP WITH TIME ZONE)) AS v(thing, at), told ON CONFLICT DO NOTHING"
    )
    assert arguments[0] == f"{{{tenants[0]},{tenants[1]}}}"
    writes.update(things, id=2, name="b")
    assert not writes.only_new()


def test_values_never_become_sql() -> None:
    writes = Writes()
    writes.insert(things, id=1, name="'); DROP TABLE things; --")
    assert "DROP" not in writes.statement()[0]


def test_units_of_several_callers_become_one_in_their_order() -> None:
    one, other = Writes(), Writes()
    one.insert(things, id=1, name="a")
    other.insert(things, id=2, name="b")
    other.insert(notes, thing="t", at="now", text="x")
    together = Writes()
    together.extend([one, other])
    sql, arguments = together.statement()
    assert sql.count("INSERT INTO things") == 1
    assert arguments[:2] == [(1, 2), ("a", "b")]


def test_a_column_that_the_table_lacks_is_a_mistake_of_ours() -> None:
    writes = Writes()
    writes.insert(things, id=1, color="red")
    with pytest.raises(KeyError):
        writes.statement()
