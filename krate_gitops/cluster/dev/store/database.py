"""The file that objects are kept in: one SQLite database, written through.

Everything is held in memory as well, so the file is read once, at the start. A write is on its way to the disk before
it is answered and survives a killed process; SQLite's write-ahead log without a sync on every commit may lose the last
writes when the whole machine fails, which a development server can afford.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from krate_gitops.errors import UnavailableError

SCHEMA_VERSION = 1

_TABLES = """
CREATE TABLE objects (
  api_group TEXT NOT NULL, plural TEXT NOT NULL, place TEXT NOT NULL, version INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (api_group, plural, place)
) WITHOUT ROWID;
CREATE TABLE counter (version INTEGER NOT NULL);
INSERT INTO counter VALUES (0);
"""


class Row(NamedTuple):
    """One stored object. ``place`` is ``namespace/name``, or the name alone."""

    group: str
    plural: str
    place: str
    version: int
    body: dict[str, Any]


class Database:
    """Keeps rows in ``path``. Raises ``UnavailableError(STORE_UNAVAILABLE)`` for a file that can't be used."""

    def __init__(self, path: Path) -> None:
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            try:
                self._prepare(path)
            except BaseException:
                self._connection.close()
                raise
        except sqlite3.Error as error:
            raise UnavailableError(
                "STORE_UNAVAILABLE", f"the development cluster's database can't be used: {error}", location=str(path)
            ) from error

    def _prepare(self, path: Path) -> None:
        run = self._connection.execute
        run("PRAGMA journal_mode=WAL")
        run("PRAGMA synchronous=NORMAL")
        found = run("PRAGMA user_version").fetchone()[0]
        if found == 0:
            self._connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif found != SCHEMA_VERSION:
            raise UnavailableError(
                "STORE_UNAVAILABLE",
                f"the database is of format {found}, this program keeps format {SCHEMA_VERSION}",
                hint="start with another --data directory",
                location=str(path),
            )

    def rows(self) -> Iterator[Row]:
        """Every object."""
        for group, plural, place, version, body in self._connection.execute("SELECT * FROM objects"):
            yield Row(group, plural, place, version, msgspec.json.decode(body))

    def newest_version(self) -> int:
        """The last version that was given out, to an object or to a deletion."""
        query = "SELECT max((SELECT version FROM counter), (SELECT coalesce(max(version), 0) FROM objects))"
        return int(self._connection.execute(query).fetchone()[0])

    def put(self, row: Row) -> None:
        """Writes one object over what was in its place."""
        values = (row.group, row.plural, row.place, row.version, msgspec.json.encode(row.body))
        self._connection.execute("INSERT OR REPLACE INTO objects VALUES (?, ?, ?, ?, ?)", values)

    def remove(self, group: str, plural: str, place: str, version: int) -> None:
        """Takes one object away; ``version`` is that of the deletion."""
        with self._connection:
            self._connection.execute("BEGIN")
            self._connection.execute("UPDATE counter SET version = ?", (version,))
            self._connection.execute(
                "DELETE FROM objects WHERE api_group = ? AND plural = ? AND place = ?", (group, plural, place)
            )

    def close(self) -> None:
        """Writes what is in the log into the database and closes it."""
        self._connection.close()
