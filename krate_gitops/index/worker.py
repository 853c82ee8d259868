"""Building shards: reading blobs, parsing, scanning, judging, writing. Runs in the caller or in several processes."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import FileClass, Ontology
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.parse import FileParser, Profile
from krate_gitops.brain.rules.generated import check_generated_blocks
from krate_gitops.brain.rules.layout import check_path
from krate_gitops.brain.rules.record import RecordRules
from krate_gitops.brain.rules.secret_metadata import check_secret_body
from krate_gitops.brain.scan.bulk import EVERY_REASON, Reason, Scanner
from krate_gitops.brain.scan.clean import is_clean
from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import SUBMODULE_MODE, SYMLINK_MODE
from krate_gitops.index.allocation import dedicate_process, keep_freed_memory
from krate_gitops.index.manifest import judge_name
from krate_gitops.index.reuse import Reuse, rebuild_parts
from krate_gitops.index.segment import SegmentWriter
from krate_gitops.index.shard import Entry, Findings, Parsed, Parts, Summary, build_parts
from krate_gitops.index.store import Store

_NO_FILES = (SYMLINK_MODE, SUBMODULE_MODE)
_FEW = 8
"""Files that are scanned one by one rather than looked over together first."""


class Setting(msgspec.Struct, frozen=True):
    """Everything a worker needs beside the files of a shard."""

    repository: Repository
    home: Path
    ontology: Ontology
    profile: Profile
    organization: str


class Task(msgspec.Struct, frozen=True):
    """One shard to build; ``reuse`` names stored shards that hold some of its files already."""

    key: str
    entries: tuple[Entry, ...]
    reuse: tuple[Summary, ...] = ()


class Done(NamedTuple):
    """A finished task, and the seconds its phases took."""

    summary: Summary
    spent: dict[str, float]


class Worker:
    """Builds shards with one git child and one parser; ``alone`` says that processors are free to help it."""

    def __init__(self, setting: Setting, *, alone: bool, reader: ObjectReader | None = None) -> None:
        keep_freed_memory()
        self._setting = setting
        self._store = Store(setting.home)
        self._parser = FileParser(setting.profile)
        rules = setting.ontology.rules
        self._secret_scan = rules.secret_scan
        self._scanner = Scanner(rules.secret_scan, rules.prompt_injection)
        self._rules = RecordRules(OntologyIndex(setting.ontology), setting.organization)
        self._segments = SegmentWriter(aside=alone)
        self._reader = reader or ObjectReader(setting.repository)
        self._spent: dict[str, float] = {}

    def run(self, task: Task | Summary) -> Done:
        """Builds a shard with its verdict, or only the verdict of a shard that is stored."""
        self._spent = {}
        if isinstance(task, Summary):
            with self._timed("validate"):
                self._judge(task.key, self._store.shard(task).facts())
            return Done(task, self._spent)
        return Done(self._build(task), self._spent)

    def close(self) -> None:
        """Ends the worker's thread; the reader is for whoever gave it to close."""
        self._segments.close()

    @contextmanager
    def _timed(self, phase: str) -> Iterator[None]:
        """Counts the time for a phase, but for what phases within it have counted for themselves."""
        start, others = time.perf_counter(), sum(self._spent.values())
        yield
        inner = sum(self._spent.values()) - others
        self._spent[phase] = self._spent.get(phase, 0.0) + time.perf_counter() - start - inner

    def _build(self, task: Task) -> Summary:
        if task.reuse:
            parts = self._rebuild(task)
        else:
            parsed = self._parse(task.entries)
            with self._timed("index"):
                parts = build_parts(task.entries, parsed, self._segments)
        with self._timed("write"):
            summary = self._store.write_shard(task.key, parts)
        with self._timed("validate"):
            self._judge(task.key, parts.files)
        return summary

    def _rebuild(self, task: Task) -> Parts:
        reuse = Reuse([self._store.shard(summary) for summary in task.reuse])
        new = [entry for entry in task.entries if not reuse.has(entry)]
        texts = self._texts([entry for entry in task.entries if reuse.has(entry)])
        parsed = self._parse(new)
        with self._timed("index"):
            return rebuild_parts(task.entries, reuse, parsed, texts, self._segments)

    def _judge(self, key: str, files: Iterable[ParsedFile]) -> None:
        """Stores what the rules that need the ontology say of a shard's files."""
        verdict: Findings = []
        for position, file in enumerate(files):
            found = self._rules.check_file(file)
            if found:
                verdict.append((position, found))
        judge = judge_name(self._setting.ontology.digest, self._setting.organization)
        self._store.write_verdict(key, judge, verdict)

    def _parse(self, entries: Sequence[Entry]) -> list[Parsed]:
        """Facts of files with everything that the file alone shows."""
        with self._timed("parse"):
            parsed, datas = self._parse_contents(entries)
            self._scan(parsed, datas)
            for entry, (file, _, text) in zip(entries, parsed, strict=True):
                more = check_path(entry.path, entry.mode, file.file_class)
                if text:
                    more = [*check_generated_blocks(text), *check_secret_body(file, text), *more]
                if more:
                    file.findings = (*file.findings, *more)
        return parsed

    def _parse_contents(self, entries: Sequence[Entry]) -> tuple[list[Parsed], list[bytes]]:
        """Files as the parser sees them, and the bytes to be scanned of each.

        A file is parsed while git unpacks those after it.
        """
        parsed: list[Parsed] = []
        datas: list[bytes] = []
        for entry, data in self._read(entries):
            if data is None:
                item: Parsed = (self._unread(entry), [], "")
                datas.append(b"")
            else:
                item = self._parser.parse(entry.path, entry.blob, entry.file_class, data)
                scanned = item[2] and entry.file_class not in (FileClass.IGNORED, FileClass.INDEX)
                datas.append(data if scanned else b"")
            parsed.append(item)
        return parsed, datas

    def _scan(self, parsed: Sequence[Parsed], datas: Sequence[bytes]) -> None:
        """Adds what the scans find in the files."""
        suspects = self._suspects(datas)
        for at, ((file, _, text), data) in enumerate(zip(parsed, datas, strict=True)):
            if data:
                found = self._scanner.scan(text, suspects[at]) if at in suspects else []
                file.clean = is_clean(text, data, found, self._secret_scan)
                file.findings = (*file.findings, *found)

    def _suspects(self, datas: Sequence[bytes]) -> dict[int, Reason]:
        """The detailed scans that texts need, by position; where there are few texts, all of them."""
        if len(datas) <= _FEW:
            return dict.fromkeys(range(len(datas)), EVERY_REASON)
        return dict(self._scanner.suspects(datas))

    def _read(self, entries: Sequence[Entry]) -> Iterator[tuple[Entry, bytes | None]]:
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
        self._spent["read"] = self._spent.get("read", 0.0) + waited

    def _unread(self, entry: Entry) -> ParsedFile:
        if entry.mode in _NO_FILES:
            return self._parser.not_a_file(entry.path, entry.blob, entry.file_class)
        return self._parser.too_large(entry.path, entry.blob, entry.file_class, entry.size)

    def _texts(self, entries: Sequence[Entry]) -> dict[str, bytes]:
        return {entry.path: data for entry, data in self._read(entries) if data is not None}


_worker: Worker | None = None


def _start(setting: Setting, alone: bool) -> None:
    global _worker
    dedicate_process()
    _worker = Worker(setting, alone=alone)


def _run(task: Task | Summary) -> Done:
    if _worker is None:
        raise RuntimeError("the pool starts every worker with its setting")
    return _worker.run(task)


def run_all(
    setting: Setting,
    tasks: Sequence[Task | Summary],
    jobs: int,
    report: Callable[[int], None],
    reader: ObjectReader,
) -> tuple[Mapping[str, Summary], Mapping[str, float]]:
    """Does every task; summaries by key, and seconds by phase, summed over all processes.

    ``report`` is told the documents of each finished task. One process for each job; where there is only a little to
    do, none, and ``reader`` serves.
    """
    jobs = min(jobs or available_processors(), len(tasks))
    done: dict[str, Summary] = {}
    spent: dict[str, float] = {}

    def take(finished: Done) -> None:
        done[finished.summary.key] = finished.summary
        for phase, seconds in finished.spent.items():
            spent[phase] = spent.get(phase, 0.0) + seconds
        report(finished.summary.documents)

    if jobs <= 1:
        if tasks:
            worker = Worker(setting, alone=True, reader=reader)
            try:
                for task in tasks:
                    take(worker.run(task))
            finally:
                worker.close()
        return done, spent
    largest_first = sorted(tasks, key=lambda task: (-_weight(task), task.key))
    start = (setting, jobs < available_processors())
    with ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_start, initargs=start) as pool:
        futures = [pool.submit(_run, task) for task in largest_first]
        try:
            for future in as_completed(futures):
                take(future.result())
        except BaseException as error:
            pool.shutdown(wait=False, cancel_futures=True)  # nobody wants the rest
            if not isinstance(error, BrokenProcessPool):
                raise
            raise UnavailableError(
                "MEMORY_INDEX_UNAVAILABLE",
                "a process that builds the index was ended from outside",
                hint="most often memory ran out: build with fewer processes (--jobs 1)",
            ) from error
    return done, spent


def _weight(task: Task | Summary) -> int:
    return task.bytes if isinstance(task, Summary) else sum(entry.size for entry in task.entries)


def available_processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _context() -> multiprocessing.context.BaseContext:
    # Forked workers start in milliseconds with everything imported; macOS libraries do not survive a fork.
    method = "fork" if os.uname().sysname == "Linux" else "spawn"
    return multiprocessing.get_context(method)
