"""What it costs to say what agents will be told differently, beside one query."""

from __future__ import annotations

import gc
import random
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import msgspec

from krate_gitops.git.request import RefRequest
from krate_gitops.index.proposed import trial
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Occasion, freeze
from krate_gitops.memory.keep import keep
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.query import run_query
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.snapshot import Requester
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from krate_gitops.updates.impact.measure import SAMPLE, measure_impact
from krate_gitops.updates.impact.model import Impact
from tests.bench.blobs import list_entries, read_blobs
from tests.bench.cold import index_cold
from tests.bench.corpora import Corpus
from tests.bench.measure import percentile, spread, timed
from tests.bench.plan import NO_DATA, Plan
from tests.bench.report import Check, Section, Table, Unit, show
from tests.bench.words import draw_words

MOST = 60.0
_PROPOSALS = 12
_WARM_UP = 10


class Round(NamedTuple):
    """One proposal: what it does, seconds of a warm query (the median of many), of the incremental index build and of
    the impact.
    """

    kind: str
    query: float
    build: float
    impact: float
    found: Impact


def measure(plan: Plan) -> Section:
    """Must-show: the impact on 50 recorded questions costs at most 60 warm queries and the incremental build."""
    section = Section(
        title="Impact of an update",
        requirement=(
            "The impact of a proposed update on 50 recorded queries of a brain of 20,000 records costs at most 60 warm "
            "queries plus the incremental index build."
        ),
        method=(
            f"{SAMPLE} words, drawn as for queries, are asked in the default mode and frozen as snapshots. Then "
            f"{_PROPOSALS} proposals in turn edit a record, edit a Markdown file and delete a file. Of each, the index "
            "of the trial commit is built, and then the impact measured from nothing in memory: opening both indexes, "
            "reading the record store, asking all questions of both commits, and comparing the graphs. The ratio is to "
            "the median of as many warm queries for other words, asked right after it on an open index that has "
            "answered a few others."
        ),
        repeat=".venv/bin/python -m tests.bench --only impact",
    )
    if plan.corpora is None:
        return msgspec.structs.replace(section, skipped=NO_DATA)
    corpus, home = plan.small(), plan.scratch / "impact-home"
    index_cold(corpus, home)
    rounds = _measure(plan, corpus, Settings(home=home, jobs=1))
    close_databases()
    shutil.rmtree(home, ignore_errors=True)
    check = Check(
        f"{corpus.name}, impact by one warm query", Unit.TIMES, spread(one.impact / one.query for one in rounds), MOST
    )
    rows = tuple(
        (
            one.kind,
            str(len(one.found.queries)),
            show(one.build / one.query, Unit.TIMES),
            show(one.impact / one.query, Unit.TIMES),
        )
        for one in rounds
    )
    header = ("Proposal", "Questions answered differently", "Index build", "Impact")
    table = Table("By one warm query, proposal by proposal.", header, rows)
    return msgspec.structs.replace(section, checks=(check,), tables=(table,))


def _measure(plan: Plan, corpus: Corpus, settings: Settings) -> list[Round]:
    entries = list_entries(corpus.git_dir, corpus.commit, corpus.ontology)
    texts = dict(
        zip(
            (entry.path for entry in entries),
            read_blobs(corpus.git_dir, [entry.blob for entry in entries]),
            strict=True,
        )
    )
    words = [word for word, _ in draw_words(texts.values(), SAMPLE * (_PROPOSALS + 1) + _WARM_UP)]
    brain = Brain(str(corpus.git_dir), settings=settings, ontology_dir=corpus.ontology)
    with OpenIndex(brain.builder, brain.builder.build(brain.target(corpus.commit))) as opened:
        asked = [words[at : at + SAMPLE] for at in range(_WARM_UP, len(words), SAMPLE)]
        _record(brain, opened, asked[0])
        root, rng = opened.manifest.root, random.Random("impact")
    rounds = []
    for number, others in enumerate(asked[1:]):
        kind, changes = _proposal(texts, number, rng)
        rounds.append(_round(brain, corpus, root, kind, changes, [*words[:_WARM_UP], *others]))
    plan.say(f"{corpus.name}: impact of {len(rounds)} proposals")
    return rounds


def _round(
    brain: Brain,
    corpus: Corpus,
    root: str,
    kind: str,
    changes: dict[str, bytes | None],
    words: Sequence[str],
) -> Round:
    with trial(brain.builder, brain.target(corpus.commit), changes, root=root, home=brain.settings.home) as tried:
        build, _ = timed(partial(brain.builder.build, tried.head))
        gc.collect()
        seconds, found = timed(
            lambda: measure_impact(
                brain,
                corpus.commit,
                brain.within(tried.head.repository),
                tried.head.commit,
                database=open_database(brain.settings),
                policy=owner_policy(),
            )
        )
    with OpenIndex(brain.builder, brain.builder.build(brain.target(corpus.commit))) as opened:
        queries = _queries(brain, opened, words)[_WARM_UP:]
    return Round(kind, percentile(queries, 50), build, seconds, found)


def _queries(brain: Brain, opened: OpenIndex, words: Sequence[str]) -> list[float]:
    """Seconds of each query."""
    gc.collect()
    scope = brain.scope(brain.resolve(RefRequest()))
    return [timed(partial(run_query, opened, QueryRequest(text=word), owner_policy(), scope))[0] for word in words]


def _record(brain: Brain, opened: OpenIndex, words: Sequence[str]) -> None:
    scope = brain.scope(brain.resolve(RefRequest()))
    frozen = [
        freeze(
            opened,
            QueryRequest(text=word),
            owner_policy(),
            scope,
            Occasion(requester=Requester("User", "bench"), request_id=f"impact-{number}"),
            now=datetime.now(UTC),
        )
        for number, word in enumerate(words)
    ]
    keep(open_database(brain.settings), frozen, brain.repository, brain.origin(), settings=brain.settings)


def _proposal(texts: dict[str, bytes], number: int, rng: random.Random) -> tuple[str, dict[str, bytes | None]]:
    """A change of one file, of each kind in turn."""
    kind = ("edit a record", "edit a Markdown file", "delete a file")[number % 3]
    ending = (".yaml", ".md", "")[number % 3]
    path = rng.choice([path for path in texts if path.endswith(ending) and not path.startswith("ontology/")])
    if kind == "delete a file":
        return kind, {path: None}
    if kind == "edit a record":
        return kind, {path: texts[path].replace(b"title:", b"title: Another", 1)}
    return kind, {path: texts[path] + b"\nThe order of the steps was found to matter.\n"}
