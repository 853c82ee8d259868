"""The files of one shard as the parser and the scans see them, each parsed while git unpacks the next."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import FileClass, ValidationRules
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.rules.generated import check_generated_blocks
from krate_gitops.brain.rules.layout import check_path
from krate_gitops.brain.rules.secret_metadata import check_secret_body
from krate_gitops.brain.scan.bulk import EVERY_REASON, Reason, Scanner
from krate_gitops.brain.scan.clean import is_clean
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import SUBMODULE_MODE, SYMLINK_MODE
from krate_gitops.index.phases import Phases
from krate_gitops.index.reuse import Reuse
from krate_gitops.index.shard import Entry, Parsed

_NO_FILES = (SYMLINK_MODE, SUBMODULE_MODE)
_UNSCANNED = (FileClass.IGNORED, FileClass.INDEX)
_FEW = 8
"""Files that are scanned one by one rather than looked over together first."""


class Batch(NamedTuple):
    """Files in order; ``fresh`` are the positions of those that no older shard knew, ``datas`` their bytes to scan."""

    files: list[Parsed]
    fresh: list[int]
    datas: list[bytes]


class Parsing:
    """Reads, parses and scans files with one git child and one parser."""

    def __init__(self, profile: Profile, rules: ValidationRules, reader: ObjectReader) -> None:
        self._parser = FileParser(profile)
        self._secret_scan = rules.secret_scan
        self._scanner = Scanner(rules.secret_scan, rules.prompt_injection)
        self._reader = reader

    def parse(self, entries: Sequence[Entry], reuse: Reuse, phases: Phases) -> Batch:
        """Files that ``reuse`` has are taken from there, with their text; findings of scans come with ``check``."""
        batch = Batch([], [], [])
        with phases.timed("parse"):
            for at, (entry, data) in enumerate(self._read(entries, phases)):
                if reuse.has(entry):
                    batch.files.append(reuse.parsed(entry, data))
                    continue
                file = self._parsed(entry, data)
                batch.files.append(file)
                batch.fresh.append(at)
                batch.datas.append(data if data and file[2] and entry.file_class not in _UNSCANNED else b"")
        return batch

    def check(self, entries: Sequence[Entry], batch: Batch, phases: Phases) -> None:
        """Adds to the fresh files' findings what their texts and paths show."""
        with phases.timed("parse"):
            self._scan([batch.files[at] for at in batch.fresh], batch.datas)
            for at in batch.fresh:
                entry, (file, _, text) = entries[at], batch.files[at]
                more = check_path(entry.path, entry.mode, file.file_class)
                if text:
                    more = [*check_generated_blocks(text), *check_secret_body(file, text), *more]
                if more:
                    file.findings = (*file.findings, *more)

    def _parsed(self, entry: Entry, data: bytes | None) -> Parsed:
        if data is not None:
            return self._parser.parse(entry.path, entry.blob, entry.file_class, data)
        return self._unread(entry), [], ""

    def _unread(self, entry: Entry) -> ParsedFile:
        if entry.mode in _NO_FILES:
            return self._parser.not_a_file(entry.path, entry.blob, entry.file_class)
        return self._parser.too_large(entry.path, entry.blob, entry.file_class, entry.size)

    def _scan(self, files: Sequence[Parsed], datas: Sequence[bytes]) -> None:
        suspects = self._suspects(datas)
        for at, ((file, _, text), data) in enumerate(zip(files, datas, strict=True)):
            if data:
                found = self._scanner.scan(text, suspects[at]) if at in suspects else []
                file.clean = is_clean(text, data, found, self._secret_scan)
                file.findings = (*file.findings, *found)

    def _suspects(self, datas: Sequence[bytes]) -> dict[int, Reason]:
        """The detailed scans that texts need, by position; where there are few texts, all of them."""
        if len(datas) <= _FEW:
            return dict.fromkeys(range(len(datas)), EVERY_REASON)
        return dict(self._scanner.suspects(datas))

    def _read(self, entries: Sequence[Entry], phases: Phases) -> Iterator[tuple[Entry, bytes | None]]:
        """Each entry with its bytes; None for links, submodules and what is too large."""
        real = [entry for entry in entries if entry.mode not in _NO_FILES]
        limits = [self._parser.max_bytes(entry.file_class) for entry in real]
        stream = self._reader.stream([e.blob for e in real], max_bytes=limits, sizes=[e.size for e in real])
        waited = 0.0
        for entry in entries:
            data = None
            if entry.mode not in _NO_FILES:
                start = time.perf_counter()
                _, _, _, data = next(stream)
                waited += time.perf_counter() - start
            yield entry, data
        next(stream, None)  # a stream that is not read to its end takes its child with it
        phases.add("read", waited)
