"""Building shards: reading blobs, parsing, scanning, judging, writing. Runs in the caller or in several processes."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.brain.facts import ParsedFile
from krate_gitops.brain.model import Ontology
from krate_gitops.brain.ontology import OntologyIndex
from krate_gitops.brain.parse import Profile
from krate_gitops.brain.rules.record import RecordRules
from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import Repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.index.allocation import dedicate_process, keep_freed_memory
from krate_gitops.index.entries import is_searchable
from krate_gitops.index.manifest import judge_name
from krate_gitops.index.parsing import Parsing
from krate_gitops.index.phases import Phases
from krate_gitops.index.reuse import Reuse
from krate_gitops.index.segment import SegmentFiles, SegmentWriter
from krate_gitops.index.shard import Entry, Findings, Summary, build_parts
from krate_gitops.index.store import Store


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
        self._parsing = Parsing(setting.profile, setting.ontology.rules, reader or ObjectReader(setting.repository))
        self._rules = RecordRules(OntologyIndex(setting.ontology), setting.organization)
        self._segments = SegmentWriter(aside=alone)

    def run(self, task: Task | Summary) -> Done:
        """Builds a shard with its verdict, or only the verdict of a shard that is stored."""
        phases = Phases()
        if not isinstance(task, Summary):
            return Done(self._build(task, phases), phases.seconds)
        with phases.timed("validate"):
            self._judge(task.key, self._store.shard(task).facts())
        return Done(task, phases.seconds)

    def close(self) -> None:
        """Ends the worker's thread; the reader is for whoever gave it to close."""
        self._segments.close()

    def _build(self, task: Task, phases: Phases) -> Summary:
        with phases.timed("index"):
            reuse = Reuse([self._store.shard(summary) for summary in task.reuse])
        batch = self._parsing.parse(task.entries, reuse, phases)
        # Aside from all that follows, where the writer has a thread for it.
        segment = self._segments.begin([text if is_searchable(file) else "" for file, _, text in batch.files])
        self._parsing.check(task.entries, batch, phases)
        with phases.timed("index"):
            postings = reuse.postings(task.entries, batch.files)
            parts = build_parts(task.entries, batch.files, postings, partial(_words, segment, phases))
        with phases.timed("write"):
            summary = self._store.write_shard(task.key, parts)
        with phases.timed("validate"):
            self._judge(task.key, parts.files)
        return summary

    def _judge(self, key: str, files: Iterable[ParsedFile]) -> None:
        """Stores what the rules that need the ontology say of a shard's files."""
        verdict: Findings = []
        for position, file in enumerate(files):
            found = self._rules.check_file(file)
            if found:
                verdict.append((position, found))
        judge = judge_name(self._setting.ontology.digest, self._setting.organization)
        self._store.write_verdict(key, judge, verdict)


def _words(segment: SegmentFiles, phases: Phases) -> dict[str, bytes]:
    """The files of a segment, its time counted for what it is wherever it is waited for."""
    with phases.timed("index"):
        return segment()


_worker: Worker | None = None


def _start(setting: Setting, alone: bool) -> None:
    global _worker
    # Whoever asked for the work decides what an interrupt means; a worker that is terminated ends at once, whatever it
    # was forked from.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
            # Nobody wants the rest. Without waiting here, leaving the block would take the cancelling back.
            pool.shutdown(wait=True, cancel_futures=True)
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
