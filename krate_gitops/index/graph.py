"""The graph of a commit: declared and derived edges between records, and walks over them."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import EDGE, OWNER, REPOSITORY, SOURCE, Array, id_key
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.index.columns import Columns

FULL, LEAF, NONE = 2, 1, 0
_TRAVERSE = {"full": FULL, "leaf": LEAF, "none": NONE}
_DERIVED = {OWNER: "owned_by", REPOSITORY: "applies_to_repo", SOURCE: "derived_from"}


class Edges(NamedTuple):
    """Edges between records: source, target, kind (number among ``names``), reference, whether declared."""

    source: Array
    target: Array
    kind: Array
    ref: Array
    declared: Array
    names: list[str]


class _Repositories(NamedTuple):
    """Repositories by number: what each reference to one names and which record's it is, and what each row of the notes
    names.
    """

    record: Array
    of_record: Array
    of_note: Array
    repositories: int


class Graph:
    """Edges and neighbours of one commit under one ontology."""

    def __init__(self, columns: Columns, index: OntologyIndex) -> None:
        self._columns = columns
        self._index = index

    @cached_property
    def edges(self) -> Edges:
        """Declared edges that resolve, then those derived from owners, repositories and sources that none repeats."""
        links, found = self._columns.links, self._columns.resolution
        names = list(links.names)
        numbers = {name: number for number, name in enumerate(names)}
        for name in _DERIVED.values():
            if name not in numbers:
                numbers[name] = len(names)
                names.append(name)
        resolved = found.target >= 0
        source = found.definer[links.ref_record]
        parts = []
        for role, kind_name in ((EDGE, ""), *_DERIVED.items()):
            refs = np.flatnonzero((links.ref_role == role) & resolved)
            if role == EDGE:
                kinds = links.ref_kind[refs].astype(np.int64)
            else:
                refs = refs[
                    self._fits(kind_name, links.record_kind[source[refs]], links.record_kind[found.target[refs]])
                ]
                kinds = np.full(len(refs), numbers[kind_name], dtype=np.int64)
            parts.append((source[refs], found.target[refs], kinds, refs, np.full(len(refs), role == EDGE)))
        joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
        source, target, kind, ref, declared = _without_repeats(joined)
        return Edges(source, target, kind, ref, declared, names)

    def _fits(self, edge: str, sources: Array, targets: Array) -> Array:
        """Whether domain and range of a derived edge allow it, asked once for each pair of kinds."""
        if edge not in self._index.ontology.edge_kinds:
            return np.zeros(len(sources), dtype=bool)
        names = self._columns.links.names
        mixed = sources.astype(np.int64) * len(names) + targets
        distinct, inverse = np.unique(mixed, return_inverse=True)
        answers = np.zeros(len(distinct), dtype=bool)
        for at, value in enumerate(distinct.tolist()):
            source, target = names[value // len(names)], names[value % len(names)]
            answers[at] = self._index.admits_source(edge, source) and self._index.admits_target(edge, source, target)
        return answers[inverse]

    @cached_property
    def _traverse(self) -> Array:
        kinds = self._index.ontology.edge_kinds
        return np.array([_TRAVERSE[kinds[name].traverse] if name in kinds else FULL for name in self.edges.names])

    @cached_property
    def _neighbours(self) -> dict[str, tuple[Array, Array, Array]]:
        """By direction: first row of each record, neighbour and kind of each row."""
        edges, records = self.edges, self._columns.links.records
        out = _rows(edges.source, edges.target, edges.kind, records)
        back = _rows(edges.target, edges.source, edges.kind, records)
        return {"out": out, "in": back}

    def walk(
        self, start: Array, depth: int, *, admitted: Array, direction: str = "both", kinds: Array | None = None
    ) -> Array:
        """Distance of each record from ``start`` (0 for those), -1 beyond ``depth``.

        Breadth first; each record is visited once, at its shortest distance. Records that are not admitted are neither
        visited nor passed through; ``leaf`` edges end a path. ``kinds``: a mask of edge kinds that may be followed.
        """
        distance = np.full(self._columns.links.records, -1, dtype=np.int64)
        frontier = _distinct(start, len(distance))
        distance[frontier] = 0
        traverse = self._traverse if kinds is None else np.where(kinds, self._traverse, NONE)
        directions = ("out", "in") if direction == "both" else (direction,)
        for step in range(1, depth + 1):
            if not len(frontier):
                break
            reached = [self._step(frontier, way, traverse) for way in directions]
            target = np.concatenate([nodes for nodes, _ in reached])
            through = np.concatenate([full for _, full in reached])
            new = admitted[target] & (distance[target] < 0)
            target, through = target[new], through[new]
            distance[target] = step
            if step < depth:
                frontier = _distinct(target[through], len(distance))
        return distance

    def _step(self, frontier: Array, way: str, traverse: Array) -> tuple[Array, Array]:
        first, neighbour, kind = self._neighbours[way]
        sizes = first[frontier + 1] - first[frontier]
        ends = np.cumsum(sizes)
        rows = np.arange(int(ends[-1])) - np.repeat(ends - sizes, sizes) + np.repeat(first[frontier], sizes)
        level = traverse[kind[rows]]
        allowed = level > NONE
        return neighbour[rows][allowed], level[allowed] == FULL

    def refs_of(self, record: int) -> list[int]:
        """References of a record (and of patches that add to it) that are edges or become ones."""
        first, refs = self._refs
        numbers: list[int] = refs[first[record] : first[record + 1]].tolist()
        return numbers

    @cached_property
    def _refs(self) -> tuple[Array, Array]:
        """References by the record that defines their source, edges and those an edge is derived from."""
        links, found = self._columns.links, self._columns.resolution
        refs = np.flatnonzero(links.ref_role <= SOURCE)
        owner = found.definer[links.ref_record[refs]]
        order = np.argsort(owner, kind="stable")
        return np.searchsorted(owner[order], np.arange(links.records + 1)), refs[order]

    @staticmethod
    def derived_kind(role: int) -> str:
        """Edge kind that a reference of the role stands for."""
        return _DERIVED[role]

    def kinds_mask(self, names: tuple[str, ...]) -> Array | None:
        """Mask of the named edge kinds, None for all."""
        if not names:
            return None
        wanted = set(names)
        return np.array([name in wanted for name in self.edges.names], dtype=bool)

    def pointing_at(self, identifier: str) -> Array:
        """Records with an edge, owner, repository or source that is the id (a record's or an external one)."""
        links = self._columns.links
        key = np.uint64(id_key(identifier))
        refs = np.flatnonzero((links.ref_target == key) & (links.ref_role <= SOURCE))
        owners = self._columns.resolution.definer[links.ref_record[refs]]
        return np.unique(owners[owners >= 0])

    @cached_property
    def _repositories(self) -> _Repositories:
        columns = self._columns
        refs = np.flatnonzero(columns.links.ref_role == REPOSITORY)
        targets = np.concatenate([columns.links.ref_target[refs], columns.note_repository])
        distinct, number = np.unique(targets, return_inverse=True)
        return _Repositories(columns.links.ref_record[refs], number[: len(refs)], number[len(refs) :], len(distinct))

    def sharing_repositories(self, records: Array) -> tuple[Array, Array]:
        """Records, and files without records, that name a repository which one of the records names."""
        known = self._repositories
        chosen = np.zeros(self._columns.links.records, dtype=bool)
        chosen[records] = True
        shared = np.zeros(known.repositories, dtype=bool)
        shared[known.of_record[chosen[known.record]]] = True
        return known.record[shared[known.of_record]], self._columns.note_file[shared[known.of_note]]

    def defined(self, identifier: str) -> int:
        """The record that owns an id alone, or -1."""
        found = self._columns.resolution
        rows = np.flatnonzero(self._columns.links.record_id == np.uint64(id_key(identifier)))
        rows = rows[found.defines[rows] & found.served[rows]]
        return int(rows[0]) if len(rows) else -1


def _rows(key: Array, neighbour: Array, kind: Array, records: int) -> tuple[Array, Array, Array]:
    order = np.lexsort((kind, neighbour, key))
    first = np.searchsorted(key[order], np.arange(records + 1))
    return first, neighbour[order], kind[order]


def _distinct(numbers: Array, most: int) -> Array:
    """The numbers, all below ``most``, without repeats and ascending; sooner than by sorting them."""
    mask = np.zeros(most, dtype=bool)
    mask[numbers] = True
    return np.flatnonzero(mask)


def _without_repeats(columns: list[Array]) -> list[Array]:
    """The first of each (source, kind, target), in the order given."""
    source, target, kind = columns[:3]
    order = np.lexsort((np.arange(len(source)), target, kind, source))
    again = np.zeros(len(order), dtype=bool)
    again[1:] = (
        (source[order][1:] == source[order][:-1])
        & (kind[order][1:] == kind[order][:-1])
        & (target[order][1:] == target[order][:-1])
    )
    keep = np.sort(order[~again])
    return [column[keep] for column in columns]
