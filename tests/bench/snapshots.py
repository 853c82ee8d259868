"""What freezing an answer costs beside the query it freezes."""

from __future__ import annotations

import gc
import itertools
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Occasion, freeze
from krate_gitops.memory.keep import keep
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.query import Scope, run_query
from krate_gitops.memory.request import QueryRequest
from krate_gitops.memory.snapshot import Requester
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from tests.bench.blobs import list_entries, read_blobs
from tests.bench.cold import index_cold
from tests.bench.corpora import Corpus
from tests.bench.measure import ratios, timed
from tests.bench.plan import NO_DATA, Plan
from tests.bench.report import Check, Section, Table, Unit, show
from tests.bench.words import draw_words

MOST = 0.20
BATCH = 50
_BATCHES = 8
_WARM_UP = 10


class Batch(NamedTuple):
    """Seconds of the queries alone, of asking and freezing them, and of storing the snapshots in one commit."""

    queries: float
    freezing: float
    storing: float


def measure(plan: Plan) -> Section:
    """Must-show: a snapshot adds at most a fifth to its query."""
    section = Section(
        title="Snapshots",
        requirement=(
            "Making a snapshot adds at most 20 % to the query it freezes: 20,000 records, SQLite, the durable commit "
            "of a batch of 50 included."
        ),
        method=(
            f"{_BATCHES} batches of {BATCH} words, drawn as for queries, in the default mode. Each batch is asked of "
            "one open index, then asked and frozen on another that has not seen its words either, and stored: rows, "
            "material and audit records in one transaction, written through to the disk. Garbage is collected before "
            "each. *Added* is what freezing and storing took above the queries."
        ),
        repeat=".venv/bin/python -m tests.bench --only snapshots",
    )
    if plan.corpora is None:
        return msgspec.structs.replace(section, skipped=NO_DATA)
    corpus, home = plan.small(), plan.scratch / "snapshot-home"
    index_cold(corpus, home)
    batches = _measure(plan, corpus, home)
    close_databases()
    shutil.rmtree(home, ignore_errors=True)
    added = ratios([b.freezing + b.storing - b.queries for b in batches], [b.queries for b in batches])
    rows = tuple(
        (show((b.freezing - b.queries) / b.queries, Unit.SHARE), show(b.storing / b.queries, Unit.SHARE))
        for b in batches
    )
    table = Table("Of the queries' time, batch by batch.", ("Freezing", "Storing"), rows)
    check = Check(f"{corpus.name}, added to the query", Unit.SHARE, added, MOST)
    return msgspec.structs.replace(section, checks=(check,), tables=(table,))


def _measure(plan: Plan, corpus: Corpus, home: Path) -> list[Batch]:
    entries = list_entries(corpus.git_dir, corpus.commit, corpus.ontology)
    texts = read_blobs(corpus.git_dir, [entry.blob for entry in entries])
    words = [word for word, _ in draw_words(texts, _BATCHES * BATCH + _WARM_UP)]
    del texts
    settings = Settings(home=home)
    brain = Brain(str(corpus.git_dir), settings=settings, ontology_dir=corpus.ontology)
    scope = brain.scope(brain.resolve(RefRequest()))
    built = brain.builder.build(brain.target(corpus.commit))
    with OpenIndex(brain.builder, built) as one, OpenIndex(brain.builder, built) as other:
        _ask(one, words[:_WARM_UP], scope)
        _snapshots(brain, other, words[:_WARM_UP], scope)
        batches = [
            _batch(brain, one, other, list(words[at : at + BATCH]), scope)
            for at in range(_WARM_UP, len(words) - BATCH + 1, BATCH)
        ]
    plan.say(f"{corpus.name}: {len(batches)} batches of {BATCH} snapshots")
    return batches


def _batch(brain: Brain, one: OpenIndex, other: OpenIndex, words: Sequence[str], scope: Scope) -> Batch:
    # What was thrown away earlier is nobody's cost here: one collection takes as long as six queries, and whose batch
    # it falls into is chance.
    gc.collect()
    queries, _ = timed(lambda: _ask(one, words, scope))
    gc.collect()
    freezing, storing = _snapshots(brain, other, words, scope)
    return Batch(queries, freezing, storing)


def _ask(opened: OpenIndex, words: Sequence[str], scope: Scope) -> None:
    for word in words:
        run_query(opened, QueryRequest(text=word), owner_policy(), scope)


_numbers = itertools.count()


def _snapshots(brain: Brain, opened: OpenIndex, words: Sequence[str], scope: Scope) -> tuple[float, float]:
    requester = Requester("User", "bench")
    occasions = [Occasion(requester=requester, request_id=f"bench-{next(_numbers)}") for _ in words]
    freezing, frozen = timed(
        lambda: [
            freeze(opened, QueryRequest(text=word), owner_policy(), scope, occasion, now=datetime.now(UTC))
            for word, occasion in zip(words, occasions, strict=True)
        ]
    )
    database = open_database(brain.settings)
    storing, _ = timed(lambda: keep(database, frozen, brain.repository, brain.origin(), settings=brain.settings))
    return freezing, storing
