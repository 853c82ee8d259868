"""Finishes namespaces that are being deleted: what is in them goes, then they do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krate_gitops.cluster.dev.controllers.agenda import Agenda
from krate_gitops.cluster.dev.controllers.deletion import let_go
from krate_gitops.cluster.dev.store.collection import DELETED, Change
from krate_gitops.cluster.dev.store.store import KindKey
from krate_gitops.cluster.dev.verbs.namespaces import NAMESPACES

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.cluster import Cluster


class NamespaceController:
    """Watches for namespaces that are going, and for objects that leave them."""

    def __init__(self, cluster: Cluster) -> None:
        self._store = cluster.store
        self._reader = cluster.reader
        self._agenda = Agenda(self._finish)
        self._going: set[str] = set()
        for namespace in cluster.reader.list(NAMESPACES):
            self._consider(namespace["metadata"]["name"], bool(namespace["metadata"].get("deletionTimestamp")))
        cluster.store.listen(self._hear)

    def start(self) -> None:
        """Goes on with what an earlier process has left."""
        self._agenda.start()

    def _hear(self, kind: KindKey, change: Change) -> None:
        metadata = change.entry.value["metadata"]
        if kind == NAMESPACES:
            self._consider(change.entry.place, change.type != DELETED and bool(metadata.get("deletionTimestamp")))
        elif change.type == DELETED and metadata.get("namespace") in self._going:
            self._agenda.add(metadata["namespace"])

    def _consider(self, name: str, going: bool) -> None:
        if going:
            self._going.add(name)
            self._agenda.add(name)
        else:
            self._going.discard(name)

    def _finish(self, name: str) -> None:
        namespace = name
        entry = self._store.collection(*NAMESPACES).get(namespace)
        if entry is None or namespace not in self._going:
            return
        remaining = 0
        for kind in self._store.kinds():
            if kind == NAMESPACES:
                continue
            for each in self._store.collection(*kind).entries(namespace):
                let_go(self._store, kind, each)
            remaining += len(self._store.collection(*kind).entries(namespace))
        if remaining:
            return
        entry = self._store.collection(*NAMESPACES).get(namespace)
        if entry is None:
            return
        spec = {key: item for key, item in (entry.value.get("spec") or {}).items() if key != "finalizers"}
        others = [each for each in (entry.value.get("spec") or {}).get("finalizers") or () if each != "kubernetes"]
        if others:
            spec["finalizers"] = others
        value = {**entry.value, "spec": spec}
        if not others and not entry.value["metadata"].get("finalizers"):
            self._store.remove(*NAMESPACES, namespace, value)
        elif value != entry.value:
            self._store.put(*NAMESPACES, namespace, value)
