"""Answers from the real history of a brain are told again, byte for byte."""

from __future__ import annotations

import random
import re
import shutil
from pathlib import Path

import pytest

from krate_gitops.git.request import RefRequest
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.freeze import Occasion
from krate_gitops.memory.material import ask, encode
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.query import Scope
from krate_gitops.memory.question import Question
from krate_gitops.memory.recall import Kept, recall
from krate_gitops.memory.reopen import reopen
from krate_gitops.memory.replay import replay
from krate_gitops.memory.request import Documents, Graph, Grep, Limits, QueryRequest
from krate_gitops.memory.take import take
from krate_gitops.records.database import close_databases, open_database
from krate_gitops.settings import Settings
from tests.integration.memory.test_real_brain import ONTOLOGY
from tests.repos import git
from tests.snapshots import REQUESTER

QUESTIONS, COMMITS = 200, 8
MODES = ("graph-only", "grep-only", "graph-and-grep", "document-read")


def questions(words: list[str], paths: list[str], seed: int) -> list[QueryRequest]:
    draw = random.Random(seed)
    found = []
    for number in range(QUESTIONS):
        mode = MODES[number % len(MODES)]
        found.append(
            QueryRequest(
                text="" if mode == "document-read" else " ".join(draw.sample(words, draw.randint(1, 4))),
                mode=mode,
                graph=Graph(edge_depth=draw.randint(0, 3)),
                grep=Grep(max_matches=draw.randint(1, 40), context_lines=draw.randint(0, 5)),
                documents=Documents(paths=tuple(draw.sample(paths, 2))) if mode == "document-read" else Documents(),
                limits=Limits(draw.choice((2_000, 16_000, 64_000)), draw.randint(0, 60), draw.randint(1, 40)),
                ranking_version=draw.choice((1, 2)),
            )
        )
    return found


@pytest.mark.slow
def test_two_hundred_answers_of_real_history_are_the_same_from_a_new_clone(shared_dir: Path, tmp_path: Path) -> None:
    bundle = shared_dir / "data" / "atlas-brain.bundle"
    clone, again = tmp_path / "brain.git", tmp_path / "elsewhere" / "renamed.git"
    git(None, "clone", "-q", "--bare", str(bundle), str(clone))
    draw = random.Random(11)
    history = git(clone, "rev-list", "--first-parent", "HEAD").decode().split()
    commits = draw.sample(history, min(COMMITS, len(history)))
    oldest = git(clone, "ls-tree", "-r", "--name-only", min(commits, key=history.index)).decode().splitlines()
    paths = [path for path in oldest if path.endswith((".yaml", ".yml", ".md"))]
    words = sorted({word for path in paths for word in re.findall("[a-z]{3,}", path)})
    settings = Settings(home=tmp_path / "home", jobs=2)
    brain = Brain(str(clone), settings=settings, ontology_dir=ONTOLOGY)
    database = open_database(settings)
    taken: list[Kept] = []
    for number, question in enumerate(questions(words, paths, 7)):
        ref = RefRequest(requested_ref=commits[number * len(commits) // QUESTIONS])
        occasion = Occasion(requester=REQUESTER, request_id=f"question-{number}")
        taken.append(take(brain, database, ref, question, owner_policy(), occasion))
    assert sum(bool(kept.material.items()) for kept in taken) > QUESTIONS // 2
    close_databases()

    for entry in settings.home.iterdir():
        if not entry.name.startswith("records.sqlite"):
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    shutil.rmtree(clone)
    git(None, "clone", "-q", "--bare", str(bundle), str(again))
    same = 0
    for made in taken:
        kept = recall(open_database(settings), made.snapshot.metadata.name, settings.organization)
        fresh = reopen(kept, settings=settings, spec=str(again))
        found = replay(fresh, kept)
        assert found.match, found.differences
        spec, material = kept.snapshot.spec, kept.material
        scope = Scope(spec.organization_ref, spec.memory_repository, spec.ref_resolution)
        stored = fresh.read(
            spec.resolved_commit,
            lambda opened, m=material, s=scope: encode(ask(Question(opened, m.request, m.policy), s)),
        )
        same += stored == kept.stored == made.stored
    assert same == QUESTIONS
    close_databases()
