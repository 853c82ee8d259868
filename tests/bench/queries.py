"""Queries on an open index beside ``git grep`` for the same word, and the first query of a fresh process."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.query import Scope, run_query
from krate_gitops.memory.request import QueryRequest
from krate_gitops.settings import Settings
from tests.bench.blobs import list_entries, read_blobs
from tests.bench.cold import index_cold
from tests.bench.corpora import Corpus
from tests.bench.measure import percentile, spread, timed
from tests.bench.plan import NO_DATA, Plan
from tests.bench.processes import run_program
from tests.bench.report import Check, Section, Table, Unit, show_range, show_spread
from tests.bench.words import draw_words

MOST_P50, MOST_P95 = 1 / 20, 1 / 5
MOST_FIRST_SECONDS = 1.0
MODES = ("graph-and-grep", "graph-only", "grep-only")
"""Modes of a query, the default one first."""

_WARM_UP = 10


class Answered(NamedTuple):
    """One word: documents that hold it, seconds of ``git grep`` and of a query in each mode."""

    word: str
    documents: int
    grep: float
    modes: dict[str, float]


class First(NamedTuple):
    """First queries of fresh processes, and interpreters that do nothing beside them, in seconds of whole processes."""

    walls: list[float]
    bare: list[float]


def measure(plan: Plan) -> Section:
    """Must-show: warm queries against ``git grep -i``, and the first query of a process."""
    section = Section(
        title="Queries",
        requirement=(
            "A warm query (process up, index open) takes at the median at most 1/20, and at the 95th percentile at "
            "most 1/5, of `git grep -i` for the same word over the same tree. The first query of a fresh process takes "
            "at most 1.0 s on 20,000 records."
        ),
        method=(
            f"{plan.sizes.words} words drawn from the brain's own texts, as many that stand in one document as in "
            "2 to 10, in 11 to 100, in 101 to 1,000, and in more. For each word one `git grep -i -F` on the commit in "
            "a bare repository, its output thrown away, then one query in each mode. Every mode has an index opened "
            "for it alone and is asked each word once, so that no answer is given twice; what a process has read of "
            "files and records it keeps, within bounds, as one that serves questions does. Percentiles are over the "
            "words, of the ratio of each query to the `git grep` for its word. The first query is timed from the start "
            "of `krate-gitops brain query` to its exit, with the index on disk."
        ),
        repeat=".venv/bin/python -m tests.bench --only queries",
    )
    if plan.corpora is None:
        return msgspec.structs.replace(section, skipped=NO_DATA)
    checks: list[Check] = []
    tables: list[Table] = []
    for corpus, is_generated in ((plan.corpora.real(), False), (plan.small(), True)):
        home = plan.scratch / "query-home"
        index_cold(corpus, home)
        answered = _warm(plan, corpus, home)
        checks += [check for mode in MODES for check in _checks(corpus.name, mode, answered)]
        tables.append(_frequency_table(corpus.name, answered))
        first = _first(plan, corpus, home, [item.word for item in answered])
        if is_generated:
            name = f"{corpus.name}, first query of a fresh process"
            checks.append(Check(name, Unit.SECONDS, spread(first.walls), MOST_FIRST_SECONDS))
        tables.append(_first_table(corpus.name, first))
        shutil.rmtree(home, ignore_errors=True)
    return msgspec.structs.replace(section, checks=tuple(checks), tables=tuple(tables))


def _warm(plan: Plan, corpus: Corpus, home: Path) -> list[Answered]:
    entries = list_entries(corpus.git_dir, corpus.commit, corpus.ontology)
    texts = read_blobs(corpus.git_dir, [entry.blob for entry in entries])
    words = draw_words(texts, plan.sizes.words + _WARM_UP)
    del texts
    brain = Brain(str(corpus.git_dir), settings=Settings(home=home), ontology_dir=corpus.ontology)
    scope = Scope("local", brain.repository.name, brain.resolve(RefRequest()))
    with ExitStack() as stack:
        built = brain.builder.build(brain.target(corpus.commit))
        opened = {mode: stack.enter_context(OpenIndex(brain.builder, built)) for mode in MODES}
        answered = _ask_all(corpus, words, opened, scope)
    plan.say(f"{corpus.name}: {len(answered)} words asked")
    return answered


def _ask_all(
    corpus: Corpus, words: Sequence[tuple[str, int]], opened: Mapping[str, OpenIndex], scope: Scope
) -> list[Answered]:
    policy = owner_policy()
    answered = []
    for number, (word, documents) in enumerate(words):
        grep = 0.0 if number < _WARM_UP else timed(partial(_grep, corpus, word))[0]
        requests = {mode: QueryRequest(text=word, mode=mode) for mode in MODES}
        modes = {mode: timed(partial(run_query, opened[mode], requests[mode], policy, scope))[0] for mode in MODES}
        answered.append(Answered(word, documents, grep, modes))
    return answered[_WARM_UP:]


def _grep(corpus: Corpus, word: str) -> None:
    command = ["git", "--git-dir", str(corpus.git_dir), "grep", "-i", "-F", "-e", word, corpus.commit]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace"))


def _checks(name: str, mode: str, answered: Sequence[Answered]) -> list[Check]:
    quotients = [item.modes[mode] / item.grep for item in answered]
    return [
        Check(f"{name}, {mode}, {label}", Unit.FRACTION, spread([percentile(quotients, percent)]), most)
        for label, percent, most in (("p50", 50, MOST_P50), ("p95", 95, MOST_P95))
    ]


def _frequency_table(name: str, answered: Sequence[Answered]) -> Table:
    rows = []
    for low, high, label in ((1, 1, "1"), (2, 10, "2 to 10"), (11, 100, "11 to 100"), (101, 1000, "101 to 1,000")):
        rows.append(_frequency_row(label, [item for item in answered if low <= item.documents <= high]))
    rows.append(_frequency_row("more", [item for item in answered if item.documents > 1000]))
    header = ("Documents with the word", "Words", *MODES)
    return Table(f"{name}: query by `git grep`, by frequency of the word (median and range).", header, tuple(rows))


def _frequency_row(label: str, group: Sequence[Answered]) -> tuple[str, ...]:
    if not group:
        return (label, "0", *("" for _ in MODES))
    cells = []
    for mode in MODES:
        measured = spread(item.modes[mode] / item.grep for item in group)
        cells.append(show_range(measured, Unit.FRACTION))
    return (label, str(len(group)), *cells)


def _first(plan: Plan, corpus: Corpus, home: Path, words: Sequence[str]) -> First:
    ontology = ("--ontology", corpus.ontology) if corpus.ontology else ()
    walls, bare = [], []
    for word in words[: plan.sizes.fresh_processes]:
        bare.append(timed(partial(subprocess.run, [sys.executable, "-c", "pass"], check=True))[0])
        walls.append(run_program("--home", home, "brain", "query", corpus.git_dir, word, *ontology).wall)
    return First(walls, bare)


def _first_table(name: str, first: First) -> Table:
    measured = spread(wall / bare for wall, bare in zip(first.walls, first.bare, strict=True))
    rows = ((show_spread(measured, Unit.TIMES),),)
    header = ("First query by an interpreter that does nothing, whole processes",)
    return Table(f"{name}, for information.", header, rows)
