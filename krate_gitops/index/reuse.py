"""Making a shard from an older one that shares most of its files: nothing unchanged is parsed or analysed again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from krate_gitops.brain.arrays import distinct
from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.fields import FIELD_COUNT, Segment
from krate_gitops.brain.links import Array, build_links
from krate_gitops.brain.text import decode
from krate_gitops.index.entries import is_searchable
from krate_gitops.index.postings import Postings, build_postings, fields_of
from krate_gitops.index.segment import SegmentWriter
from krate_gitops.index.shard import Entry, Facts, Parsed, Parts, Shard, unit_count

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
        self.old = [_Old(shard) for shard in shards]
        self._places: dict[tuple[str, str, int], tuple[int, int]] = {}
        for number, shard in enumerate(shards):
            for at, entry in enumerate(shard.entries()):
                self._places[_identity(entry)] = (number, at)

    def has(self, entry: Entry) -> bool:
        return _identity(entry) in self._places

    def place(self, entry: Entry) -> tuple[int, int]:
        """Number of the old shard and position of the file in it."""
        return self._places[_identity(entry)]


def _identity(entry: Entry) -> tuple[str, str, int]:
    """What decides the facts of a file: a symlink to a path and a file that holds that path have one blob."""
    return entry.path, entry.blob, entry.mode & _KIND


def rebuild_parts(
    entries: Sequence[Entry],
    reuse: Reuse,
    fresh: Sequence[Parsed],
    datas: Mapping[str, bytes],
    writer: SegmentWriter,
) -> Parts:
    """Parts of the shard of ``entries``: freshly parsed files where given, the old facts elsewhere."""
    by_path = {file.path: (file, segments, text) for file, segments, text in fresh}
    files: list[ParsedFile] = []
    texts: list[str] = []
    segments: list[Segment] = []
    moves: list[tuple[int, int, int, int]] = []  # old shard, first old unit, units, first new unit
    unit = 0
    for entry in entries:
        new = by_path.get(entry.path)
        if new is not None:
            file, own, text = new
            if is_searchable(file):
                segments.extend(Segment(unit + at, field, content) for at, field, content in own)
        else:
            number, at = reuse.place(entry)
            old = reuse.old[number]
            file = old.facts[at]
            text = decode(datas[file.path]) if is_searchable(file) and file.path in datas and not _opaque(file) else ""
            moves.append((number, int(old.first_unit[at]), unit_count(file), unit))
        files.append(file)
        texts.append(text if is_searchable(file) else "")
        unit += unit_count(file)
    segment = writer.begin(texts)
    postings = _merge([old.postings for old in reuse.old], moves, build_postings(segments, unit), unit)
    return Parts(entries, files, build_links(files), postings, segment)


def _opaque(file: ParsedFile) -> bool:
    """Whether the file's bytes are no text."""
    return any(finding.code in ("KB004", "KB013", "KB015") for finding in file.findings)


def _merge(
    old: Sequence[Postings], moves: Sequence[tuple[int, int, int, int]], fresh: Postings, units: int
) -> Postings:
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
