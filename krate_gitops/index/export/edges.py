"""Edges of a commit: declared ones, those that fields of a record stand for, and inverses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from krate_gitops.brain.identifiers import prefix_of
from krate_gitops.brain.links import OWNER, REPOSITORY, SOURCE, id_key
from krate_gitops.brain.model import Attributes, Record
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.index.graph import Graph

_Edge = tuple[str, str, str]
"""Source, kind, target: what makes an edge the same."""


class Target(NamedTuple):
    """What stands at the end of an edge; ``kind`` is that of a record, empty otherwise."""

    kind: str
    external: bool
    resolved: bool


class Targets:
    """What ids mean in one commit. ``kinds`` holds the kind of every record that owns its id, by the id's key."""

    def __init__(self, index: OntologyIndex, kinds: Mapping[int, str], has_path: Callable[[str], bool]) -> None:
        self._index = index
        self._kinds = kinds
        self._has_path = has_path
        owners = index.vocabulary("owners")
        self._owners = frozenset(owners.values) if owners else frozenset()

    def of(self, identifier: str) -> Target:
        kind = self._kinds.get(id_key(identifier))
        if kind is not None:
            return Target(kind, False, True)
        if identifier in self._owners:
            return Target("", True, True)
        prefix, _, local = identifier.partition(":")
        external = prefix in self._index.ontology.external_prefixes
        return Target("", external, external and prefix == "path" and self._has_path(local))


class EdgeSet:
    """All edges, each once: a declared edge goes before a derived one, and the first of equal ones counts."""

    def __init__(self, index: OntologyIndex, targets: Targets) -> None:
        self._index = index
        self._targets = targets
        self._declared: dict[_Edge, Attributes | None] = {}
        self._derived: dict[_Edge, str] = {}

    def add(self, record: Record) -> None:
        """Edges that a record declares, and those its fields stand for."""
        for edge in record.edges:
            self._declared.setdefault((record.id, edge.kind, edge.target), edge.attributes)
        for role, values in ((OWNER, record.owners), (REPOSITORY, record.repo_refs), (SOURCE, record.source_refs)):
            kind = Graph.derived_kind(role)
            for value in values:
                if not value.startswith("https://") and self._admits(kind, record.kind, value):
                    self._derived.setdefault((record.id, kind, value), record.kind)

    def sorted(self) -> list[dict[str, Any]]:
        """Entries by source, kind and target."""
        self._add_inverses()
        edges = [*self._declared, *(edge for edge in self._derived if edge not in self._declared)]
        edges.sort()
        return [self._entry(edge) for edge in edges]

    def _add_inverses(self) -> None:
        kinds = self._index.ontology.edge_kinds
        for source, kind, target in [*self._declared, *self._derived]:
            inverse = kinds[kind].inverse if kind in kinds else None
            if inverse is None:
                continue
            end = self._targets.of(target)
            if end.kind and self._admits(inverse, end.kind, source):
                self._derived.setdefault((target, inverse, source), end.kind)

    def _admits(self, kind: str, source_kind: str, target: str) -> bool:
        """Whether domain and range of a derived edge allow it, as far as the target is known."""
        index = self._index
        if kind not in index.ontology.edge_kinds or not index.admits_source(kind, source_kind):
            return False
        end = self._targets.of(target)
        if end.kind:
            return index.admits_target(kind, source_kind, end.kind)
        prefix = prefix_of(target)
        if prefix in index.ontology.external_prefixes:
            return index.admits_external(kind, prefix)
        likely = index.kinds_of_prefix(prefix)
        return not likely or any(index.admits_target(kind, source_kind, node.name) for node in likely)

    def _entry(self, edge: _Edge) -> dict[str, Any]:
        source, kind, target = edge
        end = self._targets.of(target)
        declared = edge in self._declared
        return {
            "source": source,
            "kind": kind,
            "target": target,
            "origin": "declared" if declared else "derived",
            "external": end.external,
            "resolved": end.resolved,
            "attributes": (self._declared[edge] if declared else None) or {},
        }
