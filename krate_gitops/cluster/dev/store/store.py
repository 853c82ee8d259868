"""All objects of a cluster, by kind: one counter of versions, written through to the database."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from krate_gitops.cluster.dev.store.collection import Change, Collection, Entry, TooOldError
from krate_gitops.cluster.dev.store.database import Database, Row
from krate_gitops.errors import UnavailableError

KindKey = tuple[str, str]
"""Group and plural."""

Listener = Callable[[KindKey, Change], None]

FIRST_VERSION = 100
"""Versions start here, so that a made up small one is older than everything."""


def place_of(namespace: str, name: str) -> str:
    """Where an object lies in its collection."""
    return f"{namespace}/{name}" if namespace else name


class Store:
    """Objects in memory and in ``folder``. Raises ``UnavailableError`` for a folder that another server uses."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise UnavailableError(
                "STORE_UNAVAILABLE",
                "another development cluster uses this directory",
                hint="stop it, or start with another --data directory",
                location=str(folder),
            ) from error
        try:
            self._database = Database(folder / "objects.db")
        except UnavailableError:
            self._lock.close()
            raise
        self.version = max(FIRST_VERSION, self._database.newest_version())
        self.exact_from = 0
        self._collections: dict[KindKey, Collection] = {}
        self._listeners: list[Listener] = []
        for row in self._database.rows():
            self.collection(row.group, row.plural).load(Entry(row.place, row.version, row.body))

    def collection(self, group: str, plural: str) -> Collection:
        """The objects of one kind; an empty collection for one that was never seen."""
        found = self._collections.get((group, plural))
        if found is None:
            found = self._collections[group, plural] = Collection(self.version)
        return found

    def forget(self, group: str, plural: str) -> None:
        """Drops an empty collection, whose kind is no more; the past of a kind of the same name begins anew."""
        self._collections.pop((group, plural), None)

    def kinds(self) -> list[KindKey]:
        """The (group, plural) of every collection."""
        return list(self._collections)

    def put(self, group: str, plural: str, place: str, value: dict[str, Any]) -> Entry:
        """Writes one object. Its ``metadata.resourceVersion`` is set; the value is the store's from now on."""
        self.version += 1
        value["metadata"]["resourceVersion"] = str(self.version)
        entry = Entry(place, self.version, value)
        self._database.put(Row(group, plural, place, self.version, value))
        self._tell((group, plural), self.collection(group, plural).put(entry))
        return entry

    def remove(self, group: str, plural: str, place: str, value: dict[str, Any]) -> Entry:
        """Takes one object away; ``value`` is its last state, which gets the version of the deletion."""
        self.version += 1
        last = {**value, "metadata": {**value["metadata"], "resourceVersion": str(self.version)}}
        entry = Entry(place, self.version, last)
        self._database.remove(group, plural, place, self.version)
        self._tell((group, plural), self.collection(group, plural).remove(entry))
        return entry

    def entries_at(self, group: str, plural: str, version: int, namespace: str | None, after: str) -> list[Entry]:
        """The states of one kind's objects at an older version. Raises ``TooOldError`` for one that is forgotten."""
        if version < self.exact_from:
            raise TooOldError(self.exact_from)
        return self.collection(group, plural).entries_at(version, namespace, after)

    def listen(self, listener: Listener) -> None:
        """Calls ``listener`` after every change of any kind."""
        self._listeners.append(listener)

    def _tell(self, kind: KindKey, change: Change) -> None:
        for listener in self._listeners:
            listener(kind, change)

    def close(self) -> None:
        """Ends the use of the folder."""
        self._database.close()
        self._lock.close()


class Reader:
    """What the parts that only look at objects get of the store. What it gives is shared: never change it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def list(self, kind: KindKey) -> Iterator[dict[str, Any]]:
        """The objects of one (group, plural)."""
        return (entry.value for entry in self._store.collection(*kind).entries())

    def get(self, kind: KindKey, namespace: str, name: str) -> dict[str, Any] | None:
        """One object."""
        entry = self._store.collection(*kind).get(place_of(namespace, name))
        return None if entry is None else entry.value

    def version(self, kind: KindKey) -> int:
        """Grows with every change of the kind."""
        return self._store.collection(*kind).newest
