"""Making a shard from an older one that shares most of its files: nothing unchanged is parsed or analysed again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from krate_gitops.brain.arrays import distinct
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.fields import FIELD_COUNT, Segment
from krate_gitops.brain.links import Array
from krate_gitops.brain.text import decode
from krate_gitops.index.entries import is_searchable
from krate_gitops.index.postings import Postings, build_postings, fields_of
from krate_gitops.index.shard import Entry, Facts, Parsed, Shard, unit_count

_KIND = 0o170000


class _Old:
    """An older shard opened for reuse."""

    def __init__(self, shard: Shard) -> None:
        self.facts: Facts = shard.facts()
        self.postings = shard.postings()
        self.first_unit = np.concatenate(([0], np.cumsum(shard.outline().units))).astype(np.int64)


class Reuse:
    """Where the unchanged files of a new shard stand in older ones."""

    def __init__(self, shards: Sequence[Shard]) -> None:
        self._old = [_Old(shard) for shard in shards]
        self._places: dict[tuple[str, str, int], tuple[int, int]] = {}
        for number, shard in enumerate(shards):
            for at, entry in enumerate(shard.entries()):
                self._places[_identity(entry)] = (number, at)

    def has(self, entry: Entry) -> bool:
        return _identity(entry) in self._places

    def parsed(self, entry: Entry, data: bytes | None) -> Parsed:
        """A file that stands in an old shard, with its text; its words come with ``postings``."""
        number, at = self._places[_identity(entry)]
        file = self._old[number].facts[at]
        if data is None or not is_searchable(file) or _opaque(file):
            return file, [], ""
        return file, [], decode(data)

    def postings(self, entries: Sequence[Entry], parsed: Sequence[Parsed]) -> Postings:
        """Postings of a new shard: of old ones where these have the file, else of its segments."""
        segments: list[Segment] = []
        moves: list[_Move] = []
        unit = 0
        for entry, (file, own, _) in zip(entries, parsed, strict=True):
            units = unit_count(file)
            place = self._places.get(_identity(entry))
            if place is not None:
                number, at = place
                moves.append(_Move(number, int(self._old[number].first_unit[at]), units, unit))
            elif is_searchable(file):
                segments.extend(Segment(unit + own_unit, field, text) for own_unit, field, text in own)
            unit += units
        fresh = build_postings(segments, unit)
        return _merge([old.postings for old in self._old], moves, fresh, unit) if self._old else fresh


class _Move(NamedTuple):
    """Units of a file in an old shard, and where they stand in the new one."""

    shard: int
    first: int
    units: int
    target: int


def _identity(entry: Entry) -> tuple[str, str, int]:
    """What decides the facts of a file: a symlink to a path and a file that holds that path have one blob."""
    return entry.path, entry.blob, entry.mode & _KIND


def _opaque(file: ParsedFile) -> bool:
    """Whether the file's bytes are no text."""
    return any(finding.code in ("KB004", "KB013", "KB015") for finding in file.findings)


def _merge(old: Sequence[Postings], moves: Sequence[_Move], fresh: Postings, units: int) -> Postings:
    """Postings of moved units of old shards and of new units, in one numbering."""
    parts = [(fresh, np.arange(units, dtype=np.int64))]
    lengths = fresh.lengths.copy()
    for place_in_old, postings in enumerate(old):
        target = np.full(len(postings.lengths), -1, dtype=np.int64)
        for shard, first, size, new in moves:
            if shard == place_in_old:
                target[first : first + size] = np.arange(new, new + size)
        there = target >= 0
        lengths[target[there]] = postings.lengths[there]
        parts.append((postings, target))
    terms = distinct(np.concatenate([postings.terms for postings, _ in parts]))
    rows = [_rows(postings, target, terms, units) for postings, target in parts]
    row = np.concatenate([numbers for numbers, _ in rows])
    count = np.concatenate([counts for _, counts in rows])
    order = np.argsort(row)
    row, count = row[order], count[order]
    number, place = np.divmod(row, units * FIELD_COUNT)
    offsets = np.searchsorted(number, np.arange(len(terms) + 1))
    held = np.flatnonzero(offsets[1:] > offsets[:-1])
    return Postings(
        terms=terms[held],
        offsets=np.append(offsets[held], len(row)).astype(np.uint32),
        units=(place // FIELD_COUNT).astype(np.uint32),
        counts=count,
        lengths=lengths.reshape(units, FIELD_COUNT),
    )


def _rows(postings: Postings, target: Array, terms: Array, units: int) -> tuple[Array, Array]:
    """Rows of the units that move, as one number by term, unit and field, and their counts."""
    moved = target[postings.units]
    keep = moved >= 0
    number = np.repeat(np.searchsorted(terms, postings.terms), np.diff(postings.offsets))[keep]
    field, _ = fields_of(postings.counts[keep])
    return (number * units + moved[keep]) * FIELD_COUNT + field, postings.counts[keep]
