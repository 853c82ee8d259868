"""Edges of a record as they are told: to what may be read and to what lies outside; others leave no trace."""

from __future__ import annotations

import numpy as np

from krate_gitops.brain.identifiers import prefix_of
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.response import EdgeItem

DECLARED, DERIVED = "declared", "derived"


def edges_of(opened: OpenIndex, admission: Admission, number: int) -> tuple[EdgeItem, ...]:
    """Edges that a record declares, and those its owners, repositories and sources stand for."""
    columns, graph = opened.columns, opened.graph
    declared: set[tuple[str, str]] = set()
    derived: set[tuple[str, str]] = set()
    for ref in graph.refs_of(number):
        target = int(columns.resolution.target[ref])
        if target >= 0 and not admission.records[target]:
            continue
        edge = columns.edge(ref)
        if edge is not None:
            declared.add((edge.kind, edge.target))
            continue
        kind, text = graph.derived_kind(int(columns.links.ref_role[ref])), columns.target_text(ref)
        if _admits(opened, kind, number, target, text):
            derived.add((kind, text))
    items = [EdgeItem(*pair, DECLARED) for pair in declared]
    items += [EdgeItem(*pair, DERIVED) for pair in derived - declared]
    return tuple(sorted(items, key=lambda item: (item.kind, item.target)))


def inbound_edges(opened: OpenIndex, admission: Admission, number: int) -> tuple[EdgeItem, ...]:
    """Edges of readable records that lead to a record; ``target`` is the record they come from."""
    edges = opened.graph.edges
    rows = np.flatnonzero(edges.target == number)
    items = {
        EdgeItem(
            edges.names[int(edges.kind[row])],
            opened.columns.record(int(edges.source[row])).id,
            DECLARED if edges.declared[row] else DERIVED,
        )
        for row in rows.tolist()
        if admission.records[edges.source[row]]
    }
    return tuple(sorted(items, key=lambda item: (item.kind, item.target)))


def _admits(opened: OpenIndex, kind: str, number: int, target: int, text: str) -> bool:
    """Whether domain and range of a derived edge allow it, as far as the target is known."""
    links, index = opened.columns.links, opened.ontology
    source_kind = links.names[links.record_kind[number]]
    if kind not in index.ontology.edge_kinds or not index.admits_source(kind, source_kind):
        return False
    if target >= 0:
        return index.admits_target(kind, source_kind, links.names[links.record_kind[target]])
    prefix = prefix_of(text)
    if prefix in index.ontology.external_prefixes:
        return index.admits_external(kind, prefix)
    likely = index.kinds_of_prefix(prefix)
    return not likely or any(index.admits_target(kind, source_kind, node.name) for node in likely)
