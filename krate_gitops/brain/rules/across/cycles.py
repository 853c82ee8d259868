"""Cycles of edges that must not have any."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from krate_gitops.brain.links import EDGE, Array
from krate_gitops.brain.rules.across.case import Across, Hit

_PEELINGS = 64


def cycle(case: Across) -> Iterator[Hit]:
    links, found = case.links, case.found
    judged = np.zeros(links.records, dtype=bool)
    judged[case.records] = True
    for name, kind in case.index.ontology.edge_kinds.items():
        if kind.acyclic == "no" or name not in links.names:
            continue
        number = links.names.index(name)
        refs = np.flatnonzero((links.ref_role == EDGE) & (links.ref_kind == number) & (found.target >= 0))
        source = found.definer[links.ref_record[refs]]
        target = found.target[refs]
        keep = source != target
        component = np.full(links.records, -1, dtype=np.int64)
        for at, members in enumerate(cycles(source[keep], target[keep], links.records)):
            component[members] = at
        closed = keep & (component[source] >= 0) & (component[source] == component[target]) & judged[source]
        for ref, end in zip(refs[closed].tolist(), target[closed].tolist(), strict=True):
            yield Hit("KB040", int(links.ref_record[ref]), ref, end, 2 if kind.acyclic == "error" else 1)


def cycles(source: Array, target: Array, nodes: int) -> list[list[int]]:
    """Strongly connected components of more than one node.

    Nodes without a way in or a way out are peeled off first, which in a healthy brain leaves nothing to search. Each
    round shortens a chain by its two ends only, so long ones are left to the search.
    """
    for _ in range(_PEELINGS):
        if not len(source):
            break
        has_in = np.zeros(nodes, dtype=bool)
        has_out = np.zeros(nodes, dtype=bool)
        has_in[target] = True
        has_out[source] = True
        keep = has_in[source] & has_out[target]
        if keep.all():
            break
        source, target = source[keep], target[keep]
    adjacent: dict[int, list[int]] = {}
    for start, end in zip(source.tolist(), target.tolist(), strict=True):
        adjacent.setdefault(start, []).append(end)
    return [component for component in _components(adjacent) if len(component) > 1]


def _components(adjacent: dict[int, list[int]]) -> Iterator[list[int]]:
    """Tarjan's algorithm without recursion: chains may be long."""
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    stack: list[int] = []
    on_stack: set[int] = set()
    for root in adjacent:
        if root in index:
            continue
        work = [(root, iter(adjacent[root]))]
        index[root] = low[root] = len(index)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, children = work[-1]
            for child in children:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(adjacent.get(child, ()))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    component = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        component.append(member)
                        if member == node:
                            break
                    yield component
