"""A whole commit in columns: its files, records and references, over all its shards."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.links import ALIAS, EDGE, NO_TIME, OWNER, REPOSITORY, Array, concatenate
from krate_gitops.brain.model import Edge, FileClass, Record
from krate_gitops.brain.rules.across import Resolution, resolve
from krate_gitops.brain.rules.place import document_ordinals
from krate_gitops.index.shard import FILE_CLASSES, Facts, Shard


class Columns:
    """Columns of a commit. Files, records, references and units are numbered over the whole commit, in path order.

    A *unit* is what is ranked: a record, or a file without records.
    """

    def __init__(self, shards: Sequence[Shard]) -> None:
        self.shards = shards
        parts = self.outlines = [shard.outline() for shard in shards]
        self.paths = [path for part in parts for path in part.paths]
        self.blobs = [blob for part in parts for blob in part.blobs]
        self.spellings = [part.spellings for part in parts]
        self.links, record_bases, _ = concatenate([part.links for part in parts])
        units = [part.units for part in parts]
        self.file_units: Array = np.concatenate(units) if units else np.zeros(0, dtype=np.uint32)
        self.first_unit: Array = np.concatenate(([0], np.cumsum(self.file_units))).astype(np.int64)
        self.file_class = _joined([part.file_class for part in parts])
        self.file_bytes = _joined([part.file_bytes for part in parts])
        self.file_unparsed = _joined([part.file_unparsed for part in parts])
        self.file_clean = _joined([part.file_clean for part in parts])
        self.file_fresh = _joined([part.file_fresh for part in parts])
        self.note_status = _joined([part.note_status for part in parts])
        self.note_sensitivity = _joined([part.note_sensitivity for part in parts])
        self.note_repository = _joined([part.note_repository for part in parts])
        self._file_bases = [0]
        for part in parts:
            self._file_bases.append(self._file_bases[-1] + len(part.paths))
        notes = [part.note_file + base for part, base in zip(parts, self._file_bases, strict=False)]
        self.note_file = _joined(notes).astype(np.int64)
        sizes = np.diff(record_bases)
        self.record_file: Array = self.links.record_file + np.repeat(np.array(self._file_bases[:-1], np.int64), sizes)
        self._facts: dict[int, Facts] = {}
        self._records: dict[int, Record] = {}

    @property
    def units(self) -> int:
        return int(self.first_unit[-1])

    @cached_property
    def resolution(self) -> Resolution:
        """What every id resolves to."""
        return resolve(self.links)

    @cached_property
    def record_unit(self) -> Array:
        """Unit of each record."""
        return self.first_unit[self.record_file] + self.links.record_ordinal

    @cached_property
    def unit_record(self) -> Array:
        """Record of each unit, -1 for a file without records."""
        records = np.full(self.units, -1, dtype=np.int64)
        records[self.record_unit] = np.arange(self.links.records)
        return records

    @cached_property
    def unit_file(self) -> Array:
        """File of each unit."""
        return np.repeat(np.arange(len(self.paths)), self.file_units)

    @cached_property
    def unit_status(self) -> Array:
        """Status number of each unit."""
        status = self.note_status[self.unit_file].copy()
        status[self.record_unit] = self.links.record_status
        return status

    @cached_property
    def unit_fresh(self) -> Array:
        """Freshness date of each unit in seconds, ``NO_TIME`` without one."""
        fresh = self.file_fresh[self.unit_file].copy()
        stated = self.links.record_updated != NO_TIME
        fresh[self.record_unit[stated]] = self.links.record_updated[stated]
        return fresh

    @cached_property
    def unit_bytes(self) -> Array:
        """Bytes of each unit's record, or of its file."""
        size = self.file_bytes[self.unit_file].astype(np.int64)
        size[self.record_unit] = self.links.record_bytes
        return size

    @cached_property
    def record_is_markdown(self) -> Array:
        """Whether each record is the frontmatter of a Markdown file."""
        graph = self.file_class[self.record_file] == FILE_CLASSES.index(FileClass.GRAPH)
        return ~graph

    @cached_property
    def file_number(self) -> dict[str, int]:
        """File by path."""
        return {path: number for number, path in enumerate(self.paths)}

    def shard_bases(self) -> list[int]:
        """First unit of each shard, and the number of units at the end."""
        return [int(self.first_unit[base]) for base in self._file_bases]

    def shard_files(self) -> list[int]:
        """First file of each shard, and the number of files at the end."""
        return self._file_bases

    def file(self, number: int) -> ParsedFile:
        """Facts of a file."""
        shard = bisect_right(self._file_bases, number) - 1
        facts = self._facts.get(shard)
        if facts is None:
            facts = self._facts[shard] = self.shards[shard].facts()
        return facts[number - self._file_bases[shard]]

    def record(self, number: int) -> Record:
        """A record with everything its file says."""
        known = self._records.get(number)
        if known is None:
            file = self.file(int(self.record_file[number]))
            known = self._records[number] = file.records[int(self.links.record_ordinal[number])]
        return known

    def path_of_record(self, number: int) -> str:
        return self.paths[int(self.record_file[number])]

    def ordinal_of_record(self, number: int) -> int:
        """Ordinal of the record's document in its file, as findings count."""
        file = self.file(int(self.record_file[number]))
        return document_ordinals(file)[int(self.links.record_ordinal[number])]

    def edge(self, ref: int) -> Edge | None:
        """The edge of a reference, None for another role."""
        if self.links.ref_role[ref] != EDGE:
            return None
        return self.record(int(self.links.ref_record[ref])).edges[int(self.links.ref_place[ref])]

    def target_text(self, ref: int) -> str:
        """The id (or alias) a reference holds."""
        record = self.record(int(self.links.ref_record[ref]))
        role, place = int(self.links.ref_role[ref]), int(self.links.ref_place[ref])
        if role == EDGE:
            return record.edges[place].target
        by_role = {OWNER: record.owners, REPOSITORY: record.repo_refs, ALIAS: record.aliases}
        return by_role.get(role, record.source_refs)[place]


def _joined(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.uint32)
