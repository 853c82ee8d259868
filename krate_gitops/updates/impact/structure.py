"""What a change does to the graph: edges that lead to a record, and records that nothing leads to any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.links import Array
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.updates.impact.model import EdgeFrom, InboundChange, RecordName, Structure

MOST_RECORDS = 100
"""Of each list."""
MOST_EDGES = 20
"""Listed of one record, in each direction of change."""
MOST_HOPS = 256
"""How far a path from a repository may lead."""
_ROOTS = "Repository"


def structure_change(
    before: OpenIndex, after: OpenIndex, viewer: EffectivePolicy, safe: Callable[[str], str]
) -> Structure:
    """What changes between two commits, as far as the viewer may read the records at both ends of an edge.

    A record is reached when a query could walk to it from a record of kind ``Repository``, along edges in either
    direction as the ontology lets them be followed. In a brain without such a record nothing can be lost, and a new
    record is unreached when it has no edge.
    """
    change = _Change(_Side(before, viewer), _Side(after, viewer))
    inbound = change.inbound()
    lost, unreached = change.lost(), change.unreached()
    return Structure(
        inbound=tuple(_safe_inbound(one, safe) for one in inbound.listed),
        inbound_total=inbound.total,
        lost=tuple(RecordName(safe(one.id), safe(one.path)) for one in lost.listed),
        lost_total=lost.total,
        unreached=tuple(RecordName(safe(one.id), safe(one.path)) for one in unreached.listed),
        unreached_total=unreached.total,
    )


class _Inbound(NamedTuple):
    listed: list[InboundChange]
    total: int


class _Names(NamedTuple):
    listed: list[RecordName]
    total: int


class _Side:
    """One commit as the viewer may read it."""

    def __init__(self, opened: OpenIndex, viewer: EffectivePolicy) -> None:
        self.opened = opened
        self.admitted: Array = opened.admission(viewer).records
        self.key: Array = opened.columns.links.record_id

    @cached_property
    def keys(self) -> Array:
        """Ids of the records, ascending."""
        return np.sort(self.key[self.admitted])

    @cached_property
    def edges(self) -> tuple[Array, Array, Array]:
        """Source, target and kind of each edge between records that may be read."""
        edges = self.opened.graph.edges
        rows = self.admitted[edges.source] & self.admitted[edges.target]
        return edges.source[rows], edges.target[rows], edges.kind[rows]

    @cached_property
    def roots(self) -> Array:
        """Records of repositories."""
        links = self.opened.columns.links
        if _ROOTS not in links.names:
            return np.zeros(0, dtype=np.int64)
        return np.flatnonzero(self.admitted & (links.record_kind == links.names.index(_ROOTS)))

    @cached_property
    def reached(self) -> Array:
        """Mask of the records that a path from a repository leads to."""
        mask: Array = self.opened.graph.walk(self.roots, MOST_HOPS, admitted=self.admitted) >= 0
        return mask

    @cached_property
    def joined(self) -> Array:
        """Mask of the records at either end of an edge."""
        mask = np.zeros(len(self.key), dtype=bool)
        source, target, _ = self.edges
        mask[source] = mask[target] = True
        return mask

    def name(self, record: int) -> RecordName:
        columns = self.opened.columns
        return RecordName(columns.record(record).id, columns.path_of_record(record))

    def names(self, records: Array) -> _Names:
        """The first of some records by path, and how many there are."""
        return _Names([self.name(record) for record in records[:MOST_RECORDS].tolist()], len(records))


class _Change:
    def __init__(self, before: _Side, after: _Side) -> None:
        self._before, self._after = before, after

    @cached_property
    def _keys(self) -> Array:
        """Ids of both sides, ascending."""
        if np.array_equal(self._before.keys, self._after.keys):
            return self._after.keys
        return np.union1d(self._before.keys, self._after.keys)

    @cached_property
    def _kinds(self) -> dict[str, int]:
        names = (*self._before.opened.graph.edges.names, *self._after.opened.graph.edges.names)
        return {name: number for number, name in enumerate(dict.fromkeys(names))}

    @cached_property
    def _packed(self) -> tuple[Array, Array]:
        """The edges of each side, an integer each: by target, then kind, then source."""
        return self._pack(self._before), self._pack(self._after)

    def _pack(self, side: _Side) -> Array:
        place = np.full(len(side.key), -1, dtype=np.int64)
        place[side.admitted] = np.searchsorted(self._keys, side.key[side.admitted])
        number = np.array([self._kinds[name] for name in side.opened.graph.edges.names], dtype=np.int64)
        source, target, kind = side.edges
        packed = (place[target] * len(self._kinds) + number[kind]) * len(self._keys) + place[source]
        return np.sort(packed)

    def _unpack(self, packed: int) -> tuple[int, str, int]:
        rest, source = divmod(packed, len(self._keys))
        target, kind = divmod(rest, len(self._kinds))
        return target, list(self._kinds)[kind], source

    @cached_property
    def _edges_added(self) -> Array:
        before, after = self._packed
        return after[~_among(after, before)]

    @cached_property
    def _edges_removed(self) -> Array:
        before, after = self._packed
        return before[~_among(before, after)]

    def inbound(self) -> _Inbound:
        """Records that stand afterwards and to which other edges lead than before, by path."""
        sources: dict[int, tuple[list[tuple[str, int]], list[tuple[str, int]]]] = {}
        for way, edges in enumerate((self._edges_added, self._edges_removed)):
            for packed in edges.tolist():
                target, kind, source = self._unpack(packed)
                sources.setdefault(target, ([], []))[way].append((kind, source))
        numbers = {target: record for target in sources if (record := self._number(self._after, target)) >= 0}
        ordered = sorted(numbers.items(), key=lambda item: item[1])
        listed = [self._inbound(record, *sources[target]) for target, record in ordered[:MOST_RECORDS]]
        return _Inbound(listed, len(ordered))

    def _inbound(self, record: int, added: list[tuple[str, int]], removed: list[tuple[str, int]]) -> InboundChange:
        name = self._after.name(record)
        return InboundChange(
            id=name.id,
            path=name.path,
            added=self._listed(self._after, added),
            removed=self._listed(self._before, removed),
            added_total=len(added),
            removed_total=len(removed),
        )

    def _listed(self, side: _Side, edges: Iterable[tuple[str, int]]) -> tuple[EdgeFrom, ...]:
        # Cut before names are looked up, by numbers that both sides share, so the same change lists the same edges.
        chosen = sorted(edges)[:MOST_EDGES]
        named = (EdgeFrom(kind, side.name(self._number(side, source)).id) for kind, source in chosen)
        return tuple(sorted(named, key=lambda edge: (edge.kind, edge.source)))

    def _number(self, side: _Side, place: int) -> int:
        """The record of an id on a side, -1 where it may not be read there."""
        rows = np.flatnonzero((side.key == self._keys[place]) & side.admitted)
        return int(rows[0]) if len(rows) else -1

    def lost(self) -> _Names:
        """Records on both sides that were reached and are not any more."""
        before, after = self._before, self._after
        # Where nothing went, what was reached still is.
        if not len(before.roots) or not self._something_went():
            return _Names([], 0)
        was = before.key[before.admitted & before.reached]
        return after.names(np.flatnonzero(after.admitted & ~after.reached & _among(after.key, np.sort(was))))

    def unreached(self) -> _Names:
        """New records that are not reached."""
        after = self._after
        new = after.admitted & ~_among(after.key, self._before.keys)
        if not new.any():
            return _Names([], 0)
        return after.names(np.flatnonzero(new & ~(after.reached if len(after.roots) else after.joined)))

    def _something_went(self) -> bool:
        """Whether an edge, a record or a repository is gone, or edges may be followed in another way."""
        before, after = self._before, self._after
        return bool(
            len(self._edges_removed)
            or before.opened.manifest.ontology_digest != after.opened.manifest.ontology_digest
            or not _among(before.keys, after.keys).all()
            or not _among(before.key[before.roots], np.sort(after.key[after.roots])).all()
        )


def _among(values: Array, ordered: Array) -> Array:
    """Which of the values are in an ascending array."""
    if not len(ordered):
        return np.zeros(len(values), dtype=bool)
    mask: Array = ordered.take(np.searchsorted(ordered, values), mode="clip") == values
    return mask


def _safe_inbound(change: InboundChange, safe: Callable[[str], str]) -> InboundChange:
    def edges(listed: tuple[EdgeFrom, ...]) -> tuple[EdgeFrom, ...]:
        return tuple(EdgeFrom(safe(edge.kind), safe(edge.source)) for edge in listed)

    return InboundChange(
        id=safe(change.id),
        path=safe(change.path),
        added=edges(change.added),
        removed=edges(change.removed),
        added_total=change.added_total,
        removed_total=change.removed_total,
    )
