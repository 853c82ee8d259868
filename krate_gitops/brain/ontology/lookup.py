"""The ontology in the form that rules and the graph ask: sets, prefixes and path tests, made once."""

from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches

from krate_gitops.brain.base_fields import SENSITIVITIES
from krate_gitops.brain.globs import compile_globs
from krate_gitops.brain.identifiers import prefix_of
from krate_gitops.brain.model import EdgeKind, ExternalPrefix, NodeKind, Ontology, Vocabulary

BASE_REQUIRED = ("title", "status", "owners", "updatedAt")


def nearest(name: str, known: Collection[str]) -> str | None:
    """The known name a person most likely meant, or None. Ties go to the first in code point order."""
    flat = {other.lower().replace("-", "_"): other for other in sorted(known, reverse=True)}
    near = get_close_matches(name.lower().replace("-", "_"), sorted(flat), 1, 0.6)
    return flat[near[0]] if near else None


class _Ends:
    """Domain and range of one edge kind."""

    def __init__(self, kind: EdgeKind) -> None:
        self.sources = None if "*" in kind.domain else frozenset(kind.domain)
        self.targets = None if "*" in kind.range else frozenset(kind.range)
        self.same = kind.range == ("@same",)
        self.prefixes = None if "*" in kind.external else frozenset(kind.external)


class OntologyIndex:
    """Answers about one ontology. Unknown kinds are answered leniently: that they are unknown is said elsewhere."""

    def __init__(self, ontology: Ontology) -> None:
        self.ontology = ontology
        self.foreign = ontology.rules.foreign
        base = self.foreign.required if self.foreign and self.foreign.required is not None else BASE_REQUIRED
        self.base_required = tuple(field for field in base if field not in ("id", "kind"))
        self._shared_prefixes = self.foreign is not None and self.foreign.prefixes == "many"
        self._ends = {name: _Ends(kind) for name, kind in ontology.edge_kinds.items()}
        self._paths = {name: compile_globs(kind.paths) for name, kind in ontology.node_kinds.items()}
        self._required = {
            name: tuple(dict.fromkeys((*self.base_required, *kind.required)))
            for name, kind in ontology.node_kinds.items()
        }
        self._near_node_kinds: dict[str, str | None] = {}
        self._near_edge_kinds: dict[str, str | None] = {}
        self._of_prefix: dict[str, list[NodeKind]] = {}
        for kind in ontology.node_kinds.values():
            for prefix in kind.id_prefixes:
                self._of_prefix.setdefault(prefix, []).append(kind)

    def kinds_of_prefix(self, prefix: str) -> tuple[NodeKind, ...]:
        """Kinds whose records carry the prefix, in the order of the file."""
        return tuple(self._of_prefix.get(prefix, ()))

    def external(self, identifier: str) -> ExternalPrefix | None:
        """The external prefix of an id, or None when the id would be a record's."""
        return self.ontology.external_prefixes.get(prefix_of(identifier))

    def prefix_fits(self, kind: str, prefix: str) -> bool:
        """Whether ids of the kind may start so. True as well where the kind's own prefix could not be read."""
        declared = self.ontology.node_kinds.get(kind)
        if declared is None or not declared.id_prefixes or self._shared_prefixes:
            return True
        return prefix in declared.id_prefixes

    def required_fields(self, kind: str) -> tuple[str, ...]:
        """Fields a record needs beside its id and kind: the base fields, then those of its kind."""
        return self._required.get(kind, self.base_required)

    def path_fits(self, kind: str, path: str) -> bool:
        """Whether records of the kind may be stored at the path."""
        matches = self._paths.get(kind)
        return matches is None or matches(path)

    def admits_source(self, edge: str, source_kind: str) -> bool:
        """Whether the domain of the edge kind holds the source's kind."""
        ends = self._ends.get(edge)
        return ends is None or ends.sources is None or source_kind in ends.sources

    def admits_target(self, edge: str, source_kind: str, target_kind: str) -> bool:
        """Whether the range of the edge kind holds the target's kind."""
        ends = self._ends.get(edge)
        if ends is None or ends.targets is None:
            return True
        return source_kind == target_kind if ends.same else target_kind in ends.targets

    def admits_external(self, edge: str, prefix: str) -> bool:
        """Whether the edge kind may point at an external id of the prefix."""
        ends = self._ends.get(edge)
        return ends is None or ends.prefixes is None or prefix in ends.prefixes

    def sensitivity(self, kind: str, declared: str | None) -> str:
        """Effective sensitivity: as declared, else the default of the kind, else internal; never below its minimum."""
        node = self.ontology.node_kinds.get(kind)
        level = declared or (node and node.default_sensitivity) or "internal"
        least = node.min_sensitivity if node else None
        return max(level, least, key=SENSITIVITIES.index) if least else level

    def canonical_term(self, vocabulary: str, term: str) -> str:
        """The term an alias stands for; any other term is returned as it is."""
        found = self.ontology.vocabularies.get(vocabulary)
        return found.aliases.get(term, term) if found else term

    def vocabulary(self, name: str) -> Vocabulary | None:
        return self.ontology.vocabularies.get(name)

    def suggest_node_kind(self, name: str) -> str | None:
        return self._nearest(name, self.ontology.node_kinds, self._near_node_kinds)

    def suggest_edge_kind(self, name: str) -> str | None:
        return self._nearest(name, self.ontology.edge_kinds, self._near_edge_kinds)

    @staticmethod
    def _nearest(name: str, known: Collection[str], found: dict[str, str | None]) -> str | None:
        # A wrong name stands in a brain hundreds of times, and each search compares it with every name.
        if name not in found:
            found[name] = nearest(name, known)
        return found[name]
