"""Accepts the names of definitions, and cleans up after those that are deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krate_gitops.cluster.dev.controllers.agenda import Agenda
from krate_gitops.cluster.dev.controllers.deletion import let_go
from krate_gitops.cluster.dev.fields import track_update
from krate_gitops.cluster.dev.store.collection import DELETED, Change
from krate_gitops.cluster.dev.store.store import KindKey
from krate_gitops.cluster.dev.verbs.definitions import CLEANUP, DEFINITIONS, WRITER, settled
from krate_gitops.cluster.dev.verbs.metadata import now

if TYPE_CHECKING:
    from krate_gitops.cluster.dev.cluster import Cluster


class DefinitionController:
    """Watches definitions and the objects of those that are going."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._agenda = Agenda(self._settle)
        self._going: dict[KindKey, str] = {}
        for definition in cluster.reader.list(DEFINITIONS):
            self._agenda.add(definition["metadata"]["name"])
        cluster.store.listen(self._hear)

    def start(self) -> None:
        """Goes on with what an earlier process has left."""
        self._agenda.start()

    def _hear(self, kind: KindKey, change: Change) -> None:
        if kind == DEFINITIONS:
            if change.type == DELETED:
                # Names that were taken may be free now.
                for other in self._cluster.reader.list(DEFINITIONS):
                    self._agenda.add(other["metadata"]["name"])
            else:
                self._agenda.add(change.entry.place)
        elif kind in self._going and change.type == DELETED:
            self._agenda.add(self._going[kind])

    def _settle(self, name: str) -> None:
        cluster = self._cluster
        entry = cluster.store.collection(*DEFINITIONS).get(name)
        if entry is None:
            return
        definition = entry.value
        if definition["metadata"].get("deletionTimestamp"):
            self._clean_up(name)
            return
        value = settled(definition, cluster.reader.list(DEFINITIONS))
        if value["status"] == definition.get("status"):
            return
        kind = cluster.catalog.find(DEFINITIONS[0], "v1", DEFINITIONS[1])
        if kind is None:
            return
        value = {**value, "metadata": dict(value["metadata"])}
        value = track_update(
            definition, value, manager=WRITER, schema=kind.rules.schema, subresource="status", now=now()
        )
        cluster.store.put(*DEFINITIONS, entry.place, value)

    def _clean_up(self, name: str) -> None:
        """Deletes the objects of a definition, and the definition once there are none."""
        cluster = self._cluster
        entry = cluster.store.collection(*DEFINITIONS).get(name)
        if entry is None:
            return
        spec = entry.value["spec"]
        kind = (spec["group"], spec["names"]["plural"])
        self._going[kind] = name
        for each in cluster.store.collection(*kind).entries():
            let_go(cluster.store, kind, each)
        if len(cluster.store.collection(*kind)):
            return
        finalizers = [each for each in entry.value["metadata"].get("finalizers") or () if each != CLEANUP]
        if finalizers:
            metadata = {**entry.value["metadata"], "finalizers": finalizers}
            if metadata != entry.value["metadata"]:
                cluster.store.put(*DEFINITIONS, name, {**entry.value, "metadata": metadata})
            return
        del self._going[kind]
        cluster.store.remove(*DEFINITIONS, name, entry.value)
        cluster.watchers.end(kind)
        cluster.store.forget(*kind)
