"""Collects garbage: objects go when all their owners are gone, and policies of deletion are carried out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krate_gitops.cluster.dev.controllers.agenda import Agenda
from krate_gitops.cluster.dev.controllers.deletion import let_go
from krate_gitops.cluster.dev.kinds import Object
from krate_gitops.cluster.dev.store.collection import DELETED, Change, Entry
from krate_gitops.cluster.dev.store.store import KindKey

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.cluster import Cluster

FOREGROUND, ORPHAN = "foregroundDeletion", "orphan"

Place = tuple[str, str, str]
"""Group, plural and place of an object."""


class GarbageCollector:
    """Knows which uid is where and who names it as an owner."""

    def __init__(self, cluster: Cluster) -> None:
        self._store = cluster.store
        self._places: dict[str, Place] = {}
        self._dependents: dict[str, set[Place]] = {}
        self._agenda = Agenda(self._work)
        for kind in cluster.store.kinds():
            for entry in cluster.store.collection(*kind).entries():
                self._note(kind, entry, None)
        cluster.store.listen(self._hear)

    def start(self) -> None:
        """Goes on with what an earlier process has left."""
        self._agenda.start()

    def _hear(self, kind: KindKey, change: Change) -> None:
        if change.type != DELETED:
            self._note(kind, change.entry, change.previous)
            return
        place, uid = (*kind, change.entry.place), change.entry.value["metadata"]["uid"]
        self._places.pop(uid, None)
        for owner in _owners(change.entry.value):
            self._forget(owner, place)
        for dependent in self._dependents.get(uid, ()):
            self._agenda.add(dependent)

    def _note(self, kind: KindKey, entry: Entry, previous: Entry | None) -> None:
        place, metadata = (*kind, entry.place), entry.value["metadata"]
        self._places[metadata["uid"]] = place
        before = set(_owners(previous.value)) if previous else set()
        after = set(_owners(entry.value))
        for owner in before - after:
            self._forget(owner, place)
        for owner in after - before:
            self._dependents.setdefault(owner, set()).add(place)
        if after or metadata.get("deletionTimestamp"):
            self._agenda.add(place)

    def _forget(self, owner: str, place: Place) -> None:
        """Takes a dependent from an owner; an owner that waits for it is looked at again."""
        found = self._dependents.get(owner)
        if found is None:
            return
        found.discard(place)
        if not found:
            del self._dependents[owner]
        if owner in self._places:
            self._agenda.add(self._places[owner])

    def _work(self, key: Place) -> None:
        group, plural, place = key
        entry = self._store.collection(group, plural).get(place)
        if entry is None:
            return
        finalizers = entry.value["metadata"].get("finalizers") or []
        if entry.value["metadata"].get("deletionTimestamp"):
            if ORPHAN in finalizers:
                self._orphan((group, plural), entry)
            elif FOREGROUND in finalizers:
                self._foreground((group, plural), entry)
            return
        owners = _owners(entry.value)
        if owners and not any(owner in self._places for owner in owners):
            let_go(self._store, (group, plural), entry)

    def _orphan(self, kind: KindKey, entry: Entry) -> None:
        uid = entry.value["metadata"]["uid"]
        for group, plural, place in tuple(self._dependents.get(uid, ())):
            dependent = self._store.collection(group, plural).get(place)
            if dependent is not None:
                metadata = dict(dependent.value["metadata"])
                kept = [each for each in metadata.get("ownerReferences") or () if each.get("uid") != uid]
                metadata["ownerReferences"] = kept
                if not kept:
                    del metadata["ownerReferences"]
                self._store.put(group, plural, place, {**dependent.value, "metadata": metadata})
        self._release(kind, entry, ORPHAN)

    def _foreground(self, kind: KindKey, entry: Entry) -> None:
        uid = entry.value["metadata"]["uid"]
        blocked = False
        for group, plural, place in tuple(self._dependents.get(uid, ())):
            dependent = self._store.collection(group, plural).get(place)
            if dependent is None:
                continue
            let_go(self._store, (group, plural), dependent)
            blocked |= self._store.collection(group, plural).get(place) is not None
        if not blocked:
            self._release(kind, entry, FOREGROUND)

    def _release(self, kind: KindKey, entry: Entry, finalizer: str) -> None:
        """Takes a finalizer off; without others the object goes."""
        current = self._store.collection(*kind).get(entry.place)
        if current is None:
            return
        metadata = dict(current.value["metadata"])
        metadata["finalizers"] = [each for each in metadata.get("finalizers") or () if each != finalizer]
        if metadata["finalizers"]:
            self._store.put(*kind, entry.place, {**current.value, "metadata": metadata})
        else:
            del metadata["finalizers"]
            self._store.remove(*kind, entry.place, {**current.value, "metadata": metadata})


def _owners(value: Object) -> list[str]:
    return [each.get("uid") or "" for each in value["metadata"].get("ownerReferences") or ()]
