"""SQL written with SQLAlchemy Core, compiled once, run by asyncpg.

Core knows the tables and checks the names; compiling and executing through it at every call would cost more
than the query itself (docs/adr/0003).
"""

from typing import TYPE_CHECKING, Any, Final, cast

from sqlalchemy import ClauseElement
from sqlalchemy.dialects.postgresql import asyncpg

if TYPE_CHECKING:
    from sqlalchemy.sql.compiler import SQLCompiler

_DIALECT: Final = asyncpg.dialect()  # type: ignore[no-untyped-call]  # untyped upstream


class Statement:
    """One statement with named parameters (`bindparam`), ready for asyncpg."""

    __slots__ = ("_fixed", "_names", "sql")

    def __init__(self, clause: ClauseElement) -> None:
        compiled = cast("SQLCompiler", clause.compile(dialect=_DIALECT))
        self.sql = compiled.string
        self._names = tuple(compiled.positiontup or ())
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if bind.value is not None}

    def arguments(self, parameters: dict[str, Any]) -> list[Any]:
        """The values in the order of the statement's `$1, $2, …`."""
        fixed = self._fixed
        return [parameters[name] if name in parameters else fixed[name] for name in self._names]
