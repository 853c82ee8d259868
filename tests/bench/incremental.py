"""Indexing a commit that changes one file, with its parent indexed, beside the cold build of the parent."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from tests.bench.build import Build
from tests.bench.corpora import Corpus
from tests.bench.edits import KINDS, Editor
from tests.bench.measure import ratios, spread
from tests.bench.plan import NO_DATA, Plan
from tests.bench.processes import run_module
from tests.bench.report import Check, Section, Table, Unit, show, show_spread

MOST_SHARE = 0.02
LEAST_GROWTH, MOST_GROWTH = 0.5, 1.5


class Round(NamedTuple):
    """A cold build, then one build of each kind of change on top of it; with the seconds that the processes ran."""

    cold: Build
    cold_wall: float
    changed: dict[str, tuple[Build, float]]


def measure(plan: Plan) -> Section:
    """Must-show: work for one changed file is small, and the same in a brain five times as large."""
    section = Section(
        title="Incremental index",
        requirement=(
            "`brain index` of a commit that changes one file of a brain of 20,000 records, its parent indexed, does at "
            "most 2 % of the cold work, interpreter start excluded; and the work is the same (± 50 %) in a brain of "
            "100,000 records."
        ),
        method=(
            "Each round builds the parent from nothing, then one commit of each kind, all in fresh processes; every "
            "commit changes another file. *Work* runs from opening the repository to the complete index, without "
            "interpreter start and imports. Growth compares medians over the rounds."
        ),
        repeat=".venv/bin/python -m tests.bench --only incremental",
    )
    if plan.corpora is None:
        return msgspec.structs.replace(section, skipped=NO_DATA)
    small, large = plan.small(), plan.large()
    measured = {
        small.name: _measure(plan, small, plan.sizes.repetitions),
        large.name: _measure(plan, large, plan.sizes.large_repetitions),
    }
    checks = [_share(name, kind, rounds) for name, rounds in measured.items() for kind in KINDS]
    checks += [_growth(kind, f"{large.name} by {small.name}", *measured.values()) for kind in KINDS]
    tables = (_phases_table(measured), _process_table(measured))
    return msgspec.structs.replace(section, checks=tuple(checks), tables=tables)


def _measure(plan: Plan, corpus: Corpus, repetitions: int) -> list[Round]:
    editor = Editor(corpus)
    home = plan.scratch / "incremental-home"
    rounds = []
    for number in range(repetitions):
        shutil.rmtree(home, ignore_errors=True)
        cold, cold_wall = _index(corpus, home, corpus.commit)
        changed = {}
        for kind in KINDS:
            changed[kind] = _index(corpus, home, editor.commit(kind))
        rounds.append(Round(cold, cold_wall, changed))
        shares = ", ".join(f"{kind} {build.work / cold.work:.2%}" for kind, (build, _) in changed.items())
        plan.say(f"{corpus.name}, round {number + 1} of {repetitions}: {shares} of the cold work")
    shutil.rmtree(home, ignore_errors=True)
    return rounds


def _index(corpus: Corpus, home: Path, ref: str) -> tuple[Build, float]:
    done = run_module("tests.bench.build", home, corpus.git_dir, ref)
    return msgspec.convert(done.answer, Build), done.wall


def _works(rounds: Sequence[Round], kind: str) -> list[float]:
    return [item.changed[kind][0].work for item in rounds]


def _share(name: str, kind: str, rounds: Sequence[Round]) -> Check:
    measured = ratios(_works(rounds, kind), [item.cold.work for item in rounds])
    return Check(f"{name}, {kind}: work by cold work", Unit.SHARE, measured, MOST_SHARE)


def _growth(kind: str, names: str, small: Sequence[Round], large: Sequence[Round]) -> Check:
    growth = spread(_works(large, kind)).median / spread(_works(small, kind)).median
    return Check(f"{names}, {kind}: work", Unit.TIMES, spread([growth]), MOST_GROWTH, LEAST_GROWTH)


def _phases_table(measured: dict[str, list[Round]]) -> Table:
    builds = {
        (name, kind): [item.changed[kind][0] for item in rounds] for name, rounds in measured.items() for kind in KINDS
    }
    names = list(dict.fromkeys(name for group in builds.values() for build in group for name in build.phases))
    rows = []
    for (brain, kind), group in builds.items():
        inside = [spread(build.phases.get(name, 0) / 1000 / build.work for build in group).median for name in names]
        outside = spread(1 - build.duration_ms / 1000 / build.work for build in group).median
        shards = f"{max(build.built for build in group)} of {group[-1].shards}"
        rows.append((brain, kind, shards, *(show(share, Unit.SHARE) for share in (*inside, outside))))
    header = ("Brain", "Change", "Shards built", *names, "open and resolve")
    return Table("Where the work goes (the build's own clock counts whole milliseconds).", header, tuple(rows))


def _process_table(measured: dict[str, list[Round]]) -> Table:
    rows = []
    for name, rounds in measured.items():
        for kind in KINDS:
            walls = ratios([item.changed[kind][1] for item in rounds], [item.cold_wall for item in rounds])
            imports = spread(item.changed[kind][0].imports / item.changed[kind][1] for item in rounds).median
            rows.append((name, kind, show_spread(walls, Unit.SHARE), show(imports, Unit.SHARE)))
    header = ("Brain", "Change", "Whole process by whole cold process", "of which imports")
    return Table("For information: interpreter start included.", header, tuple(rows))
