"""``graph-index.json``: every record that owns its id, every edge, and lists of record ids by path, owner and so on.

What the ontology decides is applied here: default sensitivity, aliases of terms, derived and inverse edges. Of records
about secrets only identity and edges are written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import FileClass, Record
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.rules.secret_metadata import SECRET_METADATA
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.entries import record_entry
from krate_gitops.index.export.edges import EdgeSet, Targets
from krate_gitops.index.export.lines import Entries, Rows, as_entries, encode
from krate_gitops.index.judged import Judged

_WHOLE = {"summary": None, "title": None, "status": None, "updatedAt": None}
_OF_SECRETS: Mapping[str, Any] = {
    "aliases": (), "attributes": {}, "repoRefs": (), "sourceRefs": (), "summary": None, "tags": (),
}  # fmt: skip
_INDEXES = {"ownerIndex": "owners", "repoIndex": "repoRefs", "tagIndex": "tags"}


def graph_members(judged: Judged, _: ObjectReader) -> Mapping[str, Any]:
    """Members of the document beside its header."""
    graph = _Graph(judged)
    for numbered in _records(judged):
        graph.add(numbered)
    return graph.members(_Documents.of(judged))


class _Numbered(NamedTuple):
    """A record with its number in the commit and its path."""

    number: int
    path: str
    record: Record


def _records(judged: Judged) -> Iterator[_Numbered]:
    """All records in the order of their numbers; facts of one shard at a time are in memory."""
    number = 0
    for file in _files(judged):
        for record in file.records:
            yield _Numbered(number, file.path, record)
            number += 1


def _files(judged: Judged) -> Iterator[ParsedFile]:
    for shard in judged.columns.shards:
        yield from shard.facts()


class _Documents(NamedTuple):
    """Files that are no records."""

    free_form: int
    parse_errors: int

    @classmethod
    def of(cls, judged: Judged) -> _Documents:
        free_form = sum(file.file_class is FileClass.NOTE and not file.records for file in _files(judged))
        return cls(free_form, sum(shard.parse_errors for shard in judged.manifest.shards))


class _Graph:
    """Everything that one pass over the records collects; entries are kept encoded."""

    def __init__(self, judged: Judged) -> None:
        self._index = judged.ontology_index()
        columns = judged.columns
        found, links = columns.resolution, columns.links
        self._found = found
        self._folds = links.record_fold
        self._served = found.defines & found.served
        kinds = {
            key: links.names[kind]
            for key, kind in zip(
                links.record_id[self._served].tolist(), links.record_kind[self._served].tolist(), strict=True
            )
        }
        self._edges = EdgeSet(self._index, Targets(self._index, kinds, columns.file_number.__contains__))
        self._entries: dict[str, bytes] = {}
        self._markdown = 0
        self._lists: dict[str, dict[str, list[str]]] = {
            name: {} for name in ("kindIndex", "ownerIndex", "pathIndex", "repoIndex", "tagIndex")
        }
        self._contested: dict[int, list[tuple[str, str]]] = {}

    def add(self, item: _Numbered) -> None:
        number, path, record = item
        if self._served[number]:
            self._add_record(path, record)
        elif self._found.defines[number]:
            self._contested.setdefault(int(self._folds[number]), []).append((record.id, path))
        definer = int(self._found.definer[number])
        if definer >= 0 and self._served[definer]:
            self._edges.add(record)

    def _add_record(self, path: str, record: Record) -> None:
        entry = full_entry(self._index, path, record)
        self._entries[record.id] = encode(entry)
        self._markdown += record.form != "graph"
        self._list("pathIndex", path, record.id)
        self._list("kindIndex", record.kind, record.id)
        for name, field in _INDEXES.items():
            for key in entry[field]:
                self._list(name, key, record.id)

    def _list(self, name: str, key: str, identifier: str) -> None:
        self._lists[name].setdefault(key, []).append(identifier)

    def members(self, documents: _Documents) -> Mapping[str, Any]:
        edges = self._edges.sorted()
        stats = {
            "records": len(self._entries),
            "edges": len(edges),
            "markdownRecords": self._markdown,
            "freeFormDocuments": documents.free_form,
            "parseErrors": documents.parse_errors,
        }
        lists = {
            name: as_entries({key: sorted(set(ids)) for key, ids in by.items()}) for name, by in self._lists.items()
        }
        return {
            "stats": stats,
            "records": Entries((identifier, self._entries[identifier]) for identifier in sorted(self._entries)),
            "edges": Rows(encode(edge) for edge in edges),
            "conflicts": as_entries(_conflicts(self._contested.values())),
            **lists,
        }


def full_entry(index: OntologyIndex, path: str, record: Record) -> dict[str, Any]:
    """A record with what the ontology adds; members without a value are null."""
    entry = {**_WHOLE, **msgspec.to_builtins(record_entry(path, record))}
    for of_patches in ("id", "patch"):
        entry.pop(of_patches, None)
    entry["sensitivity"] = index.sensitivity(record.kind, record.sensitivity)
    if entry["sensitivity"] == SECRET_METADATA:
        return {**entry, **_OF_SECRETS}
    entry["tags"] = canonical_tags(index, record.tags)
    entry["attributes"] = {name: _canonical(index, name, value) for name, value in record.attributes.items()}
    return entry


def canonical_tags(index: OntologyIndex, tags: Iterable[str]) -> list[str]:
    """Tags with aliases replaced by what they stand for, each once."""
    return list(dict.fromkeys(index.canonical_term("tags", tag) for tag in tags))


def _canonical(index: OntologyIndex, name: str, value: Any) -> Any:
    return index.canonical_term(name, value) if type(value) is str else value


def _conflicts(groups: Iterable[list[tuple[str, str]]]) -> dict[str, list[str]]:
    """Each contested id with the paths of all records that claim it, whatever its case."""
    return {
        identifier: sorted({path for _, path in group})
        for group in groups
        for identifier in {name for name, _ in group}
    }
