"""Counts what stands in the documents of a brain, whatever their conventions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from krate_gitops.brain.base_fields import BASE_FIELDS, STATUSES
from krate_gitops.brain.identifiers import is_id, prefix_of
from krate_gitops.brain.infer.types import SeenValues

_GRAPH_KEYS = frozenset(("nodeKind", "kind", "id", "attributes", "edges", "patch"))
_FLAT_KEYS = frozenset(("id", "kind", "nodeKind", "related", "edges"))
_DERIVED = {"owners": "owned_by", "repoRefs": "applies_to_repo", "sourceRefs": "derived_from"}

TITLE_LIKE = ("title", "displayName", "name", "label", "heading", "term")
_TITLE_CHARACTERS = 200


class SeenKind:
    """One kind of record."""

    def __init__(self) -> None:
        self.count = 0
        self.ids: Counter[str] = Counter()
        self.forms: Counter[str] = Counter()
        self.folders: set[str] = set()
        self.attributes: defaultdict[str, SeenValues] = defaultdict(SeenValues)
        self.example = ""


class Observation:
    """Everything counted. Order of ``add`` calls changes nothing."""

    def __init__(self) -> None:
        self.kinds: defaultdict[str, SeenKind] = defaultdict(SeenKind)
        self.edges: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.edge_examples: dict[str, tuple[str, str]] = {}
        self.kind_of_id: defaultdict[str, set[str]] = defaultdict(set)
        self.statuses: Counter[str] = Counter()
        self.base_fields: Counter[str] = Counter()
        self.titles: Counter[str] = Counter()
        self.bad_titles: Counter[str] = Counter()
        self.sidecar_keys: Counter[str] = Counter()
        self.record_paths: Counter[str] = Counter()
        self.other_paths: set[str] = set()
        self.loose_ids = 0
        self.records = 0
        self.edge_only = 0
        self._full_ids: Counter[str] = Counter()
        self._edge_only_ids: set[str] = set()

    @property
    def merges(self) -> bool:
        """Whether records without attributes add edges to a record that stands elsewhere."""
        return any(self._full_ids[identifier] for identifier in self._edge_only_ids)

    def add(self, path: str, document: Mapping[str, Any]) -> None:
        graph = not path.endswith(".md")
        kind = document.get("nodeKind" if graph else "kind") or document.get("kind" if graph else "nodeKind")
        identifier = document.get("id")
        if isinstance(kind, str) and isinstance(identifier, str):
            self._record(path, document, kind, identifier, graph)
        elif not self._sidecar(document):
            self.other_paths.add(path)

    def _sidecar(self, document: Mapping[str, Any]) -> bool:
        for key in sorted(key for key in document if key not in _GRAPH_KEYS):
            named = document[key]
            if isinstance(named, dict) and isinstance(named.get("id"), str) and "edges" in document:
                self.sidecar_keys[key] += 1
                kind = named.get("nodeKind") or named.get("kind")
                self._edges(document["edges"], kind if isinstance(kind, str) else "", named["id"])
                return True
        return False

    def _record(self, path: str, document: Mapping[str, Any], kind: str, identifier: str, graph: bool) -> None:
        self.records += 1
        self.record_paths[path] += 1
        self.kind_of_id[identifier].add(kind)
        self.loose_ids += not is_id(identifier)
        seen = self.kinds[kind]
        seen.count += 1
        if ":" in identifier:
            seen.ids[prefix_of(identifier)] += 1
        seen.forms["graph" if graph else "markdown"] += 1
        seen.folders.add(path.partition("/")[0] if "/" in path else "")
        seen.example = min(seen.example or identifier, identifier)
        self._edges(document.get("edges" if graph else "related"), kind, identifier)
        if graph and (not isinstance(document.get("attributes"), dict) or document.get("patch") is True):
            self.edge_only += 1
            self._edge_only_ids.add(identifier)
            return
        self._full_ids[identifier] += 1
        fields = document["attributes"] if graph else document
        hidden = frozenset() if graph else _FLAT_KEYS
        self._fields({name: value for name, value in fields.items() if name not in hidden}, seen, kind, identifier)

    def _fields(self, fields: Mapping[str, Any], seen: SeenKind, kind: str, identifier: str) -> None:
        for name, value in fields.items():
            if name in BASE_FIELDS:
                self.base_fields[name] += value is not None
            else:
                seen.attributes[name].add(value)
        for field, edge in _DERIVED.items():
            targets = fields.get(field)
            if isinstance(targets, list):
                self._edges({edge: [target for target in targets if "://" not in str(target)]}, kind, identifier)
        status = fields.get("status")
        if isinstance(status, str) and status not in STATUSES:
            self.statuses[status] += 1
        for name in TITLE_LIKE:
            title = fields.get(name)
            if title is None:
                continue
            if isinstance(title, str) and len(title) <= _TITLE_CHARACTERS and "\n" not in title.rstrip("\n"):
                self.titles[name] += 1
            else:
                self.bad_titles[name] += 1

    def _edges(self, declared: Any, kind: str, source: str) -> None:
        for edge, target in _edge_items(declared):
            self.edges[edge][kind, target] += 1
            example = self.edge_examples.get(edge)
            self.edge_examples[edge] = min(example, (source, target)) if example else (source, target)


def _edge_items(declared: Any) -> Iterator[tuple[str, str]]:
    """Edge kind and target of every edge, in any of the accepted forms."""
    if isinstance(declared, dict):
        for edge, items in declared.items():
            for item in items if isinstance(items, list) else (items,):
                target = item.get("target") if isinstance(item, dict) else item
                if isinstance(target, str):
                    yield str(edge), target
    elif isinstance(declared, list):
        for item in declared:
            if isinstance(item, dict) and isinstance(item.get("kind"), str) and isinstance(item.get("target"), str):
                yield item["kind"], item["target"]
