"""The connection to the record store: SQLite under the home folder, or PostgreSQL by URL.

A transaction is durable when ``writing`` returns. On SQLite it takes the write lock at its start, so that what it read
first is still true when it writes; on PostgreSQL, writers lock the rows they build on.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.records.location import default_file
from krate_gitops.records.schema import migrate
from krate_gitops.settings import Settings

_SQLITE_WAIT_MS = 30_000
_PAUSE_SECONDS = 0.02
# Rows of a batch touch pages all over the indexes: they stay in memory until the transaction ends, and are copied from
# the journal to the file itself when they have changed a few times, not after each batch.
_SQLITE_CACHE_KIB = 64 * 1024
_SQLITE_JOURNAL_PAGES = 8_000
_WRITES = "krate_writes"


class Database:
    """The record store. Safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        is_sqlite = engine.dialect.name == "sqlite"
        # One state for a whole reading, as SQLite gives it anyway. A writer must see what it has waited for, whatever
        # the server's default is.
        self._reader = engine if is_sqlite else engine.execution_options(isolation_level="REPEATABLE READ")
        writer = engine if is_sqlite else engine.execution_options(isolation_level="READ COMMITTED")
        self._writer = writer.execution_options(**{_WRITES: True})

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view. Raises ``UnavailableError(SERVICE_UNAVAILABLE)``."""
        with _translated(self.engine.url), self._reader.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """One transaction: on any exception, nothing of it.

        Raises ``UnavailableError(SERVICE_UNAVAILABLE)``; a row that is there already is the caller's business and comes
        as SQLAlchemy's ``IntegrityError``.
        """
        with _translated(self.engine.url), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


_opened: dict[tuple[int, str], Database] = {}
_opening = threading.Lock()


def open_database(settings: Settings) -> Database:
    """The record store of the settings, made or brought to the current schema first; one for each URL and process.

    Raises ``UnavailableError(SERVICE_UNAVAILABLE)`` when it can't be reached or is newer than this program, and
    ``UsageError(CONFIG_INVALID)`` for an address that is none.
    """
    url = _url(settings)
    # A forked child must not talk through the connections of its parent.
    key = (os.getpid(), url.render_as_string(hide_password=False))
    with _opening:
        if key not in _opened:
            _opened[key] = _open(url, settings)
        return _opened[key]


def close_databases() -> None:
    """Ends all connections of this process."""
    with _opening:
        for key in [key for key in _opened if key[0] == os.getpid()]:
            _opened.pop(key).close()


def _url(settings: Settings) -> URL:
    if not settings.records:
        return URL.create("sqlite", database=str(default_file(settings)))
    try:
        url = make_url(settings.records)
    except (ArgumentError, ValueError):
        raise _not_an_address() from None
    if url.drivername in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in ("sqlite", "postgresql+psycopg") or (url.drivername == "sqlite" and not url.database):
        raise _not_an_address()
    return url


def _not_an_address() -> UsageError:
    # The text itself may hold a password, so it is not repeated.
    return UsageError(
        "CONFIG_INVALID",
        "the address of the record store is not understood",
        hint="write postgresql://USER@HOST/DATABASE, or sqlite:///PATH, or leave it out",
    )


def _open(url: URL, settings: Settings) -> Database:
    is_sqlite = url.get_backend_name() == "sqlite"
    try:
        if is_sqlite and not settings.records:
            settings.home.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, pool_pre_ping=not is_sqlite, hide_parameters=True)
    except NoSuchModuleError:
        raise _not_an_address() from None
    except ImportError:
        raise UsageError(
            "CONFIG_INVALID",
            "PostgreSQL needs the package psycopg, which is not installed",
            hint="pip install 'krate-gitops[postgres]'",
        ) from None
    except OSError as error:
        raise _unavailable(url, error.strerror or str(error)) from None
    if is_sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    database = Database(engine)
    try:
        with _translated(url):
            migrate(database.engine, database.writing)
    except BaseException:
        database.close()
        raise
    return database


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions begin where we say, see _begin_sqlite
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_SQLITE_WAIT_MS}")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA cache_size=-{_SQLITE_CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint={_SQLITE_JOURNAL_PAGES}")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Sets the journal's mode. A new file must be had alone for it, and for that SQLite does not wait by itself."""
    end = time.monotonic() + _SQLITE_WAIT_MS / 1000
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextlib.contextmanager
def _translated(url: URL) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        if isinstance(error, IntegrityError) and _is_duplicate(error):
            raise
        first_line = str(error.orig).strip().partition("\n")[0]
        raise _unavailable(url, first_line) from error


def _is_duplicate(error: IntegrityError) -> bool:
    """Whether a key exists already; a trigger that refuses a change is an ``IntegrityError`` too on SQLite."""
    names = (getattr(error.orig, "sqlite_errorname", None), getattr(error.orig, "sqlstate", None))
    return bool({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "23505"}.intersection(names))


def _unavailable(url: URL, why: str) -> UnavailableError:
    return UnavailableError(
        "SERVICE_UNAVAILABLE",
        f"the record store can't be used: {why}",
        hint="check that it is reachable, writable, and has room",
        location=_shown(url),
    )


def _shown(url: URL) -> str:
    # Parameters may hold passwords too; only those that say where it is are known not to.
    place = {name: value for name, value in url.query.items() if name in ("host", "port")}
    return url.set(query=place).render_as_string(hide_password=True)
