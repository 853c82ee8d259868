"""Indexing a brain from nothing, beside the floors of the same blobs."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench.corpora import Corpus
from tests.bench.floors import Floors
from tests.bench.measure import Spread, ratios, spread
from tests.bench.plan import NO_DATA, Plan
from tests.bench.processes import Memory, can_sample_memory, run_module, run_program
from tests.bench.report import Check, Section, Table, Unit, show, show_spread

MOST = 2.0
MOST_MEMORY_GIB = 1.5
_GIB = 1 << 30


class Shards(msgspec.Struct, frozen=True):
    """How many shards an index has, and how many were built."""

    total: int
    built: int


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """What ``brain index`` reports, as far as it is needed here; milliseconds."""

    documents: int
    records: int
    shards: Shards
    duration_ms: int
    phases: dict[str, int]

    @property
    def work(self) -> float:
        """Seconds of the build, without interpreter start and imports."""
        return self.duration_ms / 1000


class Pair(msgspec.Struct, frozen=True):
    """Floors and a cold build that ran one after the other; ``wall`` is how long the program ran, in seconds."""

    floors: Floors
    index: Index
    wall: float


class Case(NamedTuple):
    """All pairs of one brain; memory where it was measured."""

    name: str
    pairs: list[Pair]
    memory: Memory | None


def measure(plan: Plan) -> Section:
    """Must-show: cold index with validation, at most twice its floors."""
    section = Section(
        title="Cold index",
        requirement=(
            "`brain index` with validation, on the real brain and on 20,000 generated records, takes at most 2.0 times "
            "the sum of three floors on the same blobs: reading all with one `git cat-file --batch`, parsing all YAML "
            "with the fastest parser found, adding all documents to one tantivy index with one writer of two threads. "
            "The same on 100,000 records, with peak memory under 1.5 GiB."
        ),
        method=(
            "Floors and builds take turns, each in a fresh process, the build into an empty folder; the file cache is "
            "warm for both. Floors are the sum of work alone, without the start of their process. *Whole process* is "
            "the command from the start of its interpreter to its exit; *work* is its own `durationMs`. "
            "The engine's floor has a text field as its documentation makes it (positions kept), committed and merged. "
            "Memory comes from a run of its own, watched from outside every 50 ms: *sum of peaks* adds up each "
            "process's own peak, counting pages that forked workers share once for each of them, and so is an upper "
            "bound; *proportional* counts a shared page once."
        ),
        repeat=".venv/bin/python -m tests.bench --only cold",
    )
    if plan.corpora is None:
        return msgspec.structs.replace(section, skipped=NO_DATA)
    sizes = plan.sizes
    cases = [
        _measure(plan, plan.corpora.real(), sizes.repetitions),
        _measure(plan, plan.small(), sizes.repetitions),
        _measure(plan, plan.large(), sizes.large_repetitions),
    ]
    checks = [check for case in cases for check in _checks(case)]
    memory = cases[-1].memory
    if memory is not None:
        peak = spread([memory.high_water / _GIB])
        checks.append(Check(f"{cases[-1].name}, sum of peaks", Unit.GIBIBYTES, peak, MOST_MEMORY_GIB))
    tables = [_floors_table(cases), _phases_table(cases), _variants_table(cases)]
    if memory is not None:
        tables.append(_memory_table(cases))
    return msgspec.structs.replace(section, checks=tuple(checks), tables=tuple(tables))


def index_cold(corpus: Corpus, home: Path, *, with_memory: bool = False) -> tuple[Index, float, Memory | None]:
    """``brain index`` into an empty home: its report, the life of its process in seconds, and its memory."""
    shutil.rmtree(home, ignore_errors=True)
    ontology = ("--ontology", corpus.ontology) if corpus.ontology else ()
    done = run_program("--home", home, "brain", "index", corpus.git_dir, *ontology, with_memory=with_memory)
    return msgspec.convert(done.answer, Index), done.wall, done.memory


def _measure(plan: Plan, corpus: Corpus, repetitions: int) -> Case:
    home = plan.scratch / "cold-home"
    pairs = []
    for number in range(repetitions):
        floors = msgspec.convert(run_module("tests.bench.floors", *corpus.arguments()).answer, Floors)
        index, wall, _ = index_cold(corpus, home)
        pairs.append(Pair(floors, index, wall))
        plan.say(
            f"{corpus.name}, cold {number + 1} of {repetitions}: {wall / floors.total:.2f} × the floors, "
            f"{index.work / floors.total:.2f} × without interpreter start"
        )
    memory = index_cold(corpus, home, with_memory=True)[2] if can_sample_memory() else None
    shutil.rmtree(home, ignore_errors=True)
    return Case(corpus.name, pairs, memory)


def _checks(case: Case) -> list[Check]:
    return [
        Check(
            f"{case.name}, whole process", Unit.TIMES, _against_floors(case, [pair.wall for pair in case.pairs]), MOST
        ),
        Check(f"{case.name}, work", Unit.TIMES, _against_floors(case, [pair.index.work for pair in case.pairs]), MOST),
    ]


def _against_floors(case: Case, values: Sequence[float]) -> Spread:
    return ratios(values, [pair.floors.total for pair in case.pairs])


def _floors_table(cases: Sequence[Case]) -> Table:
    rows = []
    for case in cases:
        floors = [pair.floors for pair in case.pairs]
        shares = [
            show(spread(getattr(floor, name) / floor.total for floor in floors).median, Unit.SHARE)
            for name in ("read", "yaml", "words")
        ]
        first = floors[0]
        total = show(spread(floor.total for floor in floors).median, Unit.SECONDS)
        rows.append((case.name, f"{first.documents:,}", f"{first.bytes / 1e6:.0f} MB", *shares, first.parser, total))
    header = ("Brain", "Documents", "Bytes", "Read", "YAML", "tantivy", "Fastest parser", "Sum")
    return Table(
        "The floors: how they share their sum, which parser won, and the sum itself for scale.", header, tuple(rows)
    )


def _phases_table(cases: Sequence[Case]) -> Table:
    names = list(dict.fromkeys(name for case in cases for pair in case.pairs for name in pair.index.phases))
    rows = []
    for case in cases:
        indexes = [pair.index for pair in case.pairs]
        shares = [
            show(spread(index.phases.get(name, 0) / max(1, index.duration_ms) for index in indexes).median, Unit.SHARE)
            for name in names
        ]
        last = indexes[-1]
        rows.append((case.name, f"{last.records:,}", str(last.shards.total), *shares))
    header = ("Brain", "Records", "Shards", *names)
    return Table("Where a cold build spends its time.", header, tuple(rows))


def _variants_table(cases: Sequence[Case]) -> Table:
    rows = []
    for case in cases:
        walls = [pair.wall for pair in case.pairs]
        floors = [pair.floors for pair in case.pairs]
        basic = ratios(walls, [floor.total - floor.words + floor.words_basic for floor in floors])
        unmerged = ratios(walls, [floor.total - floor.words + floor.words_commit for floor in floors])
        rivals = ", ".join(
            f"{name} {seconds / floors[0].parsers[floors[0].parser]:.1f}" for name, seconds in floors[0].parsers.items()
        )
        rows.append((case.name, show_spread(basic, Unit.TIMES), show_spread(unmerged, Unit.TIMES), rivals))
    header = ("Brain", "Words without positions or frequencies", "Merges not waited for", "Parsers, fastest = 1")
    return Table(
        "For information: the whole process against cheaper floors, and the parsers that took part.",
        header,
        tuple(rows),
    )


def _memory_table(cases: Sequence[Case]) -> Table:
    rows = tuple(
        (
            case.name,
            show(case.memory.high_water / _GIB, Unit.GIBIBYTES),
            show(case.memory.proportional / _GIB, Unit.GIBIBYTES),
        )
        for case in cases
        if case.memory is not None
    )
    return Table(
        "Peak memory of a cold build, all processes together.", ("Brain", "Sum of peaks", "Proportional"), rows
    )
