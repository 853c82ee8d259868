"""The order of items: one tuple of criteria for records, excerpts and documents. Ranking version 1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.base_fields import STATUSES
from krate_gitops.brain.links import NO_STATUS, NO_TIME, Array
from krate_gitops.index.columns import Columns
from krate_gitops.index.strength import Matches, matched_words
from krate_gitops.memory.admission import Admission
from krate_gitops.memory.first import Criterion, first_of
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy
from krate_gitops.memory.request import Consumer
from krate_gitops.memory.response import Why

UNREACHED = 1 << 20
_STATUS_RANK = {"approved": 3, "draft": 2, "deprecated": 1, "archived": 0}
_RUN_CLASS = {
    "RunRetrospective": 5,
    "BabysitterSession": 4,
    "BabysitterRun": 3,
    "RunTaskResult": 2,
    "RunJournalEvent": 1,
}
_MEMORY = "babysitter/MEMORY.md"
_EVENT = "RunJournalEvent"
_HOPS = 5
_UNDATED = np.iinfo(np.int64).max


class Order(NamedTuple):
    """Sort key of an item; smaller comes first, so criteria where more is better are negated."""

    selected: int
    associated: int
    distance: int
    specificity: int
    strength: int
    fresh: int
    status: int
    run: int
    oversized: int
    size: int
    unit: int
    """Units are numbered in path order, and within a file by line."""
    line: int


class Standing:
    """Criteria of the units of a commit that hang on no question."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns

    @cached_property
    def fresh(self) -> Array:
        """Age key of each unit: the newest first, units without a date last."""
        fresh = self._columns.unit_fresh
        return np.where(fresh == NO_TIME, _UNDATED, -np.maximum(fresh, -_UNDATED + 1))

    @cached_property
    def status(self) -> Array:
        table = np.array([*(_STATUS_RANK[name] for name in STATUSES), _STATUS_RANK["draft"]])
        return table[self._columns.unit_status]

    def run(self, *, by_class: bool) -> Array:
        """Run-memory class of each unit, more is better; where a run is retraced, events in their order instead."""
        return self._run_class if by_class else self._run_sequence

    @cached_property
    def _run_class(self) -> Array:
        links = self._columns.links
        values = np.zeros(self._columns.units, dtype=np.int64)
        values[self._columns.record_unit] = np.array([_RUN_CLASS.get(name, 0) for name in links.names])[
            links.record_kind
        ]
        return values

    @cached_property
    def _run_sequence(self) -> Array:
        names, kinds = self._columns.links.names, self._columns.links.record_kind
        values = np.zeros(self._columns.units, dtype=np.int64)
        if _EVENT in names:
            for record in np.flatnonzero(kinds == names.index(_EVENT)).tolist():
                sequence = self._columns.record(record).attributes.get("sequence")
                if type(sequence) is int and abs(sequence) < UNREACHED**2:
                    values[self._columns.record_unit[record]] = -sequence
        return values


def _standing(opened: OpenIndex, _: Admission) -> Standing:
    return Standing(opened.columns)


class Parts(NamedTuple):
    """What is to be put in order, a row for each: its file, strength and the line it begins at.

    ``unit`` and ``size`` are told of the rows that are asked for; most rows find their place without them.
    """

    file: Array
    strength: Array
    line: Array
    unit: Callable[[Array], Array]
    size: Callable[[Array], Array]


class Ranking:
    """Places the units of one commit for one consumer."""

    def __init__(
        self,
        opened: OpenIndex,
        policy: EffectivePolicy,
        consumer: Consumer,
        matches: Matches,
        *,
        intent: str,
        max_bytes: int,
    ) -> None:
        self._columns = opened.columns
        self._graph = opened.graph
        self._admission = opened.admission(policy)
        self._standing = opened.kept(_standing, policy)
        self._matches = matches
        self._by_class = intent == "task"
        self._max_bytes = max_bytes
        self._sources = source_ids(consumer)

    @cached_property
    def associations(self) -> dict[int, tuple[str, ...]]:
        """Consumer attributes linked to each admitted record by an edge."""
        found: dict[int, list[str]] = {}
        for identifier in self._sources:
            own = self._graph.defined(identifier)
            linked = set(self._graph.pointing_at(identifier).tolist()) | ({own} if own >= 0 else set())
            for record in linked:
                if self._admission.records[record]:
                    found.setdefault(record, []).append(identifier)
        return {record: tuple(ids) for record, ids in found.items()}

    @cached_property
    def _associated(self) -> Array:
        counts = np.zeros(self._columns.units, dtype=np.int64)
        for record, ids in self.associations.items():
            counts[self._columns.record_unit[record]] = len(ids)
        memory = self._columns.file_number.get(_MEMORY)
        if memory is not None:
            counts[self._columns.first_unit[memory]] = 1
        return counts

    @cached_property
    def _distance(self) -> Array:
        """Hops of each unit from the consumer's source refs, ``UNREACHED`` beyond them."""
        distance = np.full(self._columns.units, UNREACHED, dtype=np.int64)
        records = np.full(self._columns.links.records, UNREACHED, dtype=np.int64)
        admitted = self._admission.records
        # A source that may not be read is not walked through; what points at it is near it all the same.
        own = {record for record in map(self._graph.defined, self._sources) if record >= 0 and admitted[record]}
        for starts, base in ((set(self.associations) - own, 1), (own, 0)):
            if starts:
                walked = self._graph.walk(np.array(sorted(starts)), _HOPS, admitted=admitted)
                records = np.where((walked >= 0) & (walked + base < records), walked + base, records)
        distance[self._columns.record_unit] = records
        return distance

    @cached_property
    def _run(self) -> Array:
        return self._standing.run(by_class=self._by_class)

    def nearness(self, units: Array) -> tuple[Array, Array] | None:
        """Associations and distance of some units, None where the consumer is about nothing and they don't count."""
        return (self._associated[units], self._distance[units]) if self._sources else None

    def best_first(self, units: Array, most: int) -> Array:
        """The first of the units in ranking order."""
        columns = self._columns
        parts = Parts(
            columns.unit_file[units],
            self._matches.strength[units],
            np.zeros_like(units),
            units.__getitem__,
            lambda at: columns.unit_bytes[units[at]],
        )
        return units[self.first(parts, most)]

    def first(self, parts: Parts, most: int) -> Array:
        """Positions of the first ``most`` of the parts in ranking order."""
        standing, specificity = self._standing, self._admission.specificity
        criteria: list[Criterion] = []
        if self._sources:
            criteria += [lambda at: -self._associated[parts.unit(at)], lambda at: self._distance[parts.unit(at)]]
        criteria += [
            lambda at: -specificity[parts.file[at]],
            lambda at: -parts.strength[at],
            lambda at: standing.fresh[parts.unit(at)],
            lambda at: -standing.status[parts.unit(at)],
            lambda at: -self._run[parts.unit(at)],
            lambda at: parts.size(at) > self._max_bytes,
            parts.size,
            parts.unit,
            lambda at: parts.line[at],
        ]
        return first_of(len(parts.file), criteria, most)

    def order(
        self,
        unit: int,
        *,
        selected: bool = False,
        strength: int | None = None,
        size: int | None = None,
        line: int = 0,
    ) -> Order:
        """Sort key of a unit, or of a part of its file where ``strength``, ``size`` and ``line`` are given."""
        size = int(self._columns.unit_bytes[unit]) if size is None else size
        return Order(
            -int(selected),
            -int(self._associated[unit]) if self._sources else 0,
            int(self._distance[unit]) if self._sources else UNREACHED,
            -int(self._admission.specificity[self._columns.unit_file[unit]]),
            -(int(self._matches.strength[unit]) if strength is None else strength),
            int(self._standing.fresh[unit]),
            -int(self._standing.status[unit]),
            -int(self._run[unit]),
            int(size > self._max_bytes),
            size,
            unit,
            line,
        )

    def why(self, order: Order, words: tuple[str, ...] = ()) -> tuple[Why, ...]:
        """The criteria that contributed to a place, in the order of the tuple."""
        unit = order.unit
        record = int(self._columns.unit_record[unit])
        reasons: list[Why] = []
        if order.selected:
            reasons.append(Why("user-selected", "chosen by the user", 1))
        if order.associated:
            reasons.append(Why("associated", ", ".join(self.associations.get(record, (_MEMORY,))), -order.associated))
        if order.distance < UNREACHED:
            reasons.append(Why("graph-distance", f"from {', '.join(self._sources)}", order.distance))
        if order.specificity:
            reasons.append(Why("allow-list", "literal segments of the include path", -order.specificity))
        if order.strength:
            held = words or tuple(matched_words(self._matches, unit))
            reasons.append(Why("match", ", ".join(held) or "part of a name", -order.strength))
        if record < 0 or not self._admission.secret[record]:
            reasons += self._stated(order, record)
        return tuple(reasons)

    def _stated(self, order: Order, record: int) -> Iterator[Why]:
        """Criteria that come from what an item says of itself, which is not told of secrets."""
        if order.fresh != _UNDATED:
            yield _recency(-order.fresh)
        status = int(self._columns.unit_status[order.unit])
        yield Why("status", STATUSES[status] if status != NO_STATUS else "draft", -order.status)
        if order.run:
            kind = self._columns.links.names[self._columns.links.record_kind[record]]
            yield Why("form", kind if self._by_class else f"{kind} by sequence", abs(order.run))


@lru_cache(maxsize=16_384)
def _recency(seconds: int) -> Why:
    date = datetime.fromtimestamp(seconds, UTC).date().isoformat()
    return Why("recency", date, int(date.replace("-", "")))


def source_ids(consumer: Consumer) -> tuple[str, ...]:
    """Ids of what the consumer is about."""
    pairs = (
        ("repository", consumer.repository),
        ("issue", consumer.issue),
        ("pull-request", consumer.pull_request),
        ("service", consumer.service),
        ("stack", consumer.stack),
        ("trigger", consumer.trigger),
        *(("skill", skill) for skill in consumer.skills),
    )
    return tuple(value if ":" in value else f"{prefix}:{value}" for prefix, value in pairs if value)
