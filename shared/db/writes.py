"""The rows that a unit of work adds and changes, written as one statement.

A command says what it writes, one row at a time and in plain order; PostgreSQL gets all of it in a single
round trip, however many rows and tables there are.
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB, asyncpg

_DIALECT: Final = asyncpg.dialect()  # type: ignore[no-untyped-call]  # untyped upstream

_Kind = Literal["insert", "ensure", "update"]
_Shape = tuple[Table, tuple[str, ...], _Kind]


class Json(str):
    """JSON that is written already, for a JSON column."""

    __slots__ = ()


class Writes:
    """Rows to insert and rows to update, gathered until they are written.

    One row may be named once only: PostgreSQL does not say which of two changes made in one statement wins.
    """

    __slots__ = ("rows",)

    def __init__(self) -> None:
        self.rows: dict[_Shape, list[Sequence[Any]]] = {}

    def __bool__(self) -> bool:
        return bool(self.rows)

    def insert(self, table: Table, **values: Any) -> None:
        self._add("insert", table, values)

    def ensure(self, table: Table, **values: Any) -> None:
        """Insert the row unless one like it, by any unique key, is there."""
        self._add("ensure", table, values)

    def update(self, table: Table, **values: Any) -> None:
        """Change the row whose primary key is among `values` to the rest of them."""
        self._add("update", table, values)

    def _add(self, kind: _Kind, table: Table, values: dict[str, Any]) -> None:
        self.rows.setdefault((table, tuple(values), kind), []).append(tuple(values.values()))

    def extend(self, others: Iterable["Writes"]) -> None:
        for other in others:
            for shape, rows in other.rows.items():
                self.rows.setdefault(shape, []).extend(rows)

    def only_of(self, tenants: Collection[UUID]) -> bool:
        """Whether every row says of itself that it is one of these tenants'."""
        return all(
            "tenant_id" in columns and all(row[columns.index("tenant_id")] in tenants for row in rows)
            for (_, columns, _), rows in self.rows.items()
        )

    def only_new(self) -> bool:
        """Whether all of the rows are to be inserted."""
        return all(kind != "update" for _, _, kind in self.rows)

    def statement(self, tenants: Collection[UUID] | None = None) -> tuple[str, list[Any]]:
        """The SQL, which depends on tables and columns alone, and its arguments: an array a column.

        Where no table has more than one row, each column's value is an argument itself, for arrays cost both
        sides more. Given `tenants`, it also tells row-level security which they are, before the first row; only
        for new rows, for one to be changed might be looked for earlier than that.
        """
        arguments: list[Any] = [] if tenants is None else [tenants_setting(tenants)]
        single = all(len(rows) == 1 for rows in self.rows.values())
        for (table, columns, _), rows in self.rows.items():
            for is_json, values in zip(_are_json(table, columns), zip(*rows, strict=True), strict=True):
                written = [_json(value) for value in values] if is_json else values
                arguments.append(written[0] if single else written)
        return _sql(tuple(self.rows), single=single, told=tenants is not None), arguments


def tenants_setting(tenants: Collection[UUID]) -> str:
    """What `app.tenants` is to be for these; an array, as PostgreSQL writes one."""
    return f"{{{','.join(map(str, tenants))}}}"


@lru_cache(maxsize=512)
def _sql(shapes: tuple[_Shape, ...], *, single: bool, told: bool) -> str:
    parts = []
    place = 2 if told else 1
    for table, columns, kind in shapes:
        json = dict(zip(columns, _are_json(table, columns), strict=True))
        given = []
        for name in columns:
            # JSON goes as text: in an array of jsonb, a list would be taken for one more dimension.
            kind_of_value = "text" if json[name] else table.c[name].type.compile(_DIALECT)
            given.append(f"${place}::{kind_of_value}{'' if single else '[]'}")
            place += 1
        names, all_given = ", ".join(columns), ", ".join(given)
        source = f"(VALUES ({all_given}))" if single else f"unnest({all_given})"
        source += f" AS v({names})" + (", told" if told else "")
        values = {name: f"v.{name}{'::jsonb' if json[name] else ''}" for name in columns}
        if kind == "update":
            keys = [column.name for column in table.primary_key]
            sets = ", ".join(f"{name} = {value}" for name, value in values.items() if name not in keys)
            match = " AND ".join(f"t.{name} = v.{name}" for name in keys)
            parts.append(f"UPDATE {table.name} AS t SET {sets} FROM {source} WHERE {match}")  # noqa: S608 -- names of our own tables
        else:
            unless = " ON CONFLICT DO NOTHING" if kind == "ensure" else ""
            selected = ", ".join(values.values())
            parts.append(f"INSERT INTO {table.name} ({names}) SELECT {selected} FROM {source}{unless}")  # noqa: S608 -- as above
    *inner, last = parts
    named = [f"w{place} AS ({part})" for place, part in enumerate(inner)]
    if told:
        named.insert(0, "told AS MATERIALIZED (SELECT set_config('app.tenants', $1, true))")
    return f"WITH {', '.join(named)} {last}" if named else last


@lru_cache(maxsize=512)
def _are_json(table: Table, columns: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(isinstance(table.c[name].type, JSONB) for name in columns)


def _json(value: Any) -> str | None:
    return value if value is None or isinstance(value, Json) else orjson.dumps(value).decode()
