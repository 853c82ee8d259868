"""What is told is the difference of two answers, however it was found: proofs and sharing change nothing."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import KrateError
from krate_gitops.git.repository import open_repository
from krate_gitops.index import cut
from krate_gitops.index.build import Builder
from krate_gitops.index.proposed import trial
from krate_gitops.index.source import Target
from krate_gitops.memory.opened import OpenIndex
from krate_gitops.memory.policy import EffectivePolicy, owner_policy
from krate_gitops.memory.query import Scope, run_query
from krate_gitops.memory.question import Question
from krate_gitops.memory.request import QueryRequest
from krate_gitops.settings import Settings
from krate_gitops.updates.impact.measure import impact_between
from krate_gitops.updates.impact.paired import BaseIndex, TrialIndex, share_rules
from krate_gitops.updates.impact.recorded import Recorded, Sample
from krate_gitops.updates.impact.sameness import surely_same
from tests.property.histories import CUTS
from tests.repos import Content, RepoBuilder
from tests.unit.memory.world import ONTOLOGY, Resolution, markdown, policy, record, request

ONTOLOGY_TEXT = {path: str(content) for path, content in ONTOLOGY.items()}
WORDS = ("refund", "ledger", "replay", "payment", "queue", "order", "vault", "core", "the", "service")


@pytest.fixture(autouse=True, scope="module")
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "CUTS", CUTS)
        patch.setattr(cut, "_LONGEST", len(CUTS))
        yield


def text(rng: random.Random, most: int) -> str:
    return " ".join(rng.choices(WORDS, weights=range(len(WORDS), 0, -1), k=rng.randint(1, most)))


def some_record(rng: random.Random, number: int) -> str:
    edges = {"depends_on": [f"service:s{rng.randrange(60)}"]} if rng.random() < 0.5 else None
    level = rng.choice([None, None, "restricted", "public"])
    return record(
        rng.choice(["Service", "Decision", "Repository"]),
        f"service:s{number}",
        title=text(rng, 4),
        summary=text(rng, 8),
        sensitivity=level,
        status=rng.choice(["approved", "draft", "deprecated"]),
        repoRefs=["repository:r"] if rng.random() < 0.3 else None,
        edges=edges,
    )


def some_file(rng: random.Random, number: int) -> tuple[str, str]:
    kind = rng.randrange(4)
    if kind == 0:
        return f"notes/n{number}.md", f"# {text(rng, 3)}\n\n{text(rng, 30)}\n\n{text(rng, 9)}\n"
    if kind == 1:
        body = f"# R\n\n{text(rng, 20)}\n"
        return f"runbooks/r{number}.md", markdown("Runbook", f"runbook:r{number}", body, title=text(rng, 3))
    if kind == 2:
        return f"graph/many{number}.yaml", "---\n".join(some_record(rng, 1000 + 3 * number + at) for at in range(3))
    return f"graph/s{number}.yaml", some_record(rng, number)


class Commits:
    """A random brain and a random change of it, opened in both ways."""

    def __init__(self, folder: Path, seed: int, files: int) -> None:
        rng = self.rng = random.Random(seed)
        self.files: dict[str, str] = {**ONTOLOGY_TEXT, **dict(some_file(rng, number) for number in range(files))}
        self.repo = RepoBuilder(folder / "brain")
        self.commit = self.repo.commit(self.files)
        self.home = folder / "home"
        self.builder = Builder(self.home, jobs=1)
        self.target = Target(open_repository(str(self.repo.path), settings=Settings(home=self.home)), self.commit)

    def changes(self) -> dict[str, bytes | None]:
        rng = self.rng
        found: dict[str, bytes | None] = {}
        documents = [path for path in self.files if not path.startswith("ontology/")]
        for _ in range(rng.randint(1, 3)):
            if rng.random() < 0.3:
                found[rng.choice(documents)] = None
            elif rng.random() < 0.5:
                path = rng.choice(documents)
                found[path] = f"{self.files[path]}\n# {text(rng, 6)}\n".encode()
            else:
                path, content = some_file(rng, rng.randrange(200))
                found[path] = content.encode()
        return found

    @contextmanager
    def opened(self, changes: dict[str, bytes | None]) -> Iterator[tuple[BaseIndex, TrialIndex, OpenIndex, OpenIndex]]:
        with trial(self.builder, self.target, changes, root="", home=self.home) as tried:
            before, after = self.builder.build(tried.base), self.builder.build(tried.head)
            assert share_rules(before, after)
            with (
                BaseIndex(self.builder, before) as base,
                TrialIndex(self.builder, after, base) as new,
                OpenIndex(self.builder, before) as plain_base,
                OpenIndex(self.builder, after) as plain_new,
            ):
                yield base, new, plain_base, plain_new


def some_request(rng: random.Random) -> QueryRequest:
    asked: dict[str, Any] = {"mode": rng.choice(["graph-only", "grep-only", "graph-and-grep", "graph-and-grep"])}
    if rng.random() < 0.3:
        asked["consumer"] = {"repository": "r", "service": f"service:s{rng.randrange(60)}"}
    if rng.random() < 0.3:
        asked |= {"max_records": rng.randint(0, 5), "max_excerpts": rng.randint(0, 5), "max_matches": rng.randint(1, 3)}
    if rng.random() < 0.2:
        asked["paths"] = ("notes/**",)
    if rng.random() < 0.15:
        asked["exclude"] = (f"service:s{rng.randrange(60)}",)
    if rng.random() < 0.2:
        asked["max_bytes"] = rng.randint(100, 2000)
    words = rng.choice([text(rng, 3), rng.choice(WORDS)[:4], rng.choice(WORDS), "updatedAt", "status"])
    if rng.random() < 0.1:
        return request(words, regex=True, **(asked | {"mode": "grep-only"}))
    return request(words, **asked)


def selection(opened: OpenIndex, asked: QueryRequest, rights: EffectivePolicy) -> list[tuple[Any, ...]]:
    """What a direct query gives: its items by rank, or its refusal."""
    try:
        found = run_query(opened, asked, rights, Scope("acme", "brain", Resolution(opened.manifest.commit)))
    except KrateError as error:
        return [(error.code,)]
    items = [
        *((one.rank, "record", one.id, one.path, one.digest) for one in found.records),
        *((one.rank, "excerpt", one.path, one.line_start, one.line_end, one.digest) for one in found.excerpts),
        *((one.rank, "document", one.path, one.digest) for one in found.documents),
    ]
    return sorted(items)


@pytest.mark.parametrize("seed", range(12))
def test_an_impact_is_the_difference_of_two_direct_queries(tmp_path: Path, seed: int) -> None:
    commits = Commits(tmp_path, seed, files=90)
    rights = [owner_policy(), policy({"readPolicy": {"mode": "allow-all"}}, tmp_path)]
    for _ in range(2):
        changes = commits.changes()
        with commits.opened(changes) as (base, new, plain_base, plain_new):
            for _ in range(30):
                asked, viewer = some_request(commits.rng), commits.rng.choice(rights)
                one = Recorded(asked, viewer, 1, "ams-1")
                impact = impact_between(base, new, Sample((one,), 0), viewer)
                assert impact == impact_between(plain_base, plain_new, Sample((one,), 0), viewer)
                narrowed = viewer.narrowed(viewer)
                old, fresh = (selection(opened, asked, narrowed) for opened in (plain_base, plain_new))
                if not impact.queries:
                    assert [told(item) for item in old] == [told(item) for item in fresh], (asked, changes)
                else:
                    assert old != fresh
                    assert_difference(impact.queries[0], old, fresh)


def told(item: tuple[Any, ...]) -> tuple[Any, ...]:
    """An item without the numbers of its lines, which a text above them moves."""
    return item[:3] + item[5:] if item[1:2] == ("excerpt",) else item


def assert_difference(query: Any, old: list[tuple[Any, ...]], new: list[tuple[Any, ...]]) -> None:
    """Ranks of what is told fit the two answers."""
    if query.refused_before or query.refused_after:
        return
    assert (query.items_before, query.items_after) == (len(old), len(new))
    entered = [shift.after for shift in query.shifts if shift.before is None]
    left = [shift.before for shift in query.shifts if shift.after is None]
    assert len(new) - len(old) == len(entered) - len(left)
    kept_old = {item[2] for item in old if item[1] == "record"}
    kept_new = {item[2] for item in new if item[1] == "record"}
    assert {s.id for s in query.shifts if s.item == "record" and s.before is None} == kept_new - kept_old
    assert {s.id for s in query.shifts if s.item == "record" and s.after is None} == kept_old - kept_new
    ranks_old, ranks_new = ({item[2]: item[0] for item in side if item[1] == "record"} for side in (old, new))
    shifts = {s.id: (s.before, s.after) for s in query.shifts if s.item == "record"}
    for identifier in kept_old & kept_new:
        places = (ranks_old[identifier], ranks_new[identifier])
        assert shifts.get(identifier, (places[0], places[0])) == places or places[0] == places[1]


def is_proven(base: BaseIndex, trial: TrialIndex, asked: QueryRequest) -> bool:
    before, after = (Question(opened, asked, owner_policy()) for opened in (base, trial))
    return surely_same(before, after, trial.shared)


def test_most_answers_are_proven_the_same_without_being_given(tmp_path: Path) -> None:
    commits = Commits(tmp_path, 99, files=400)
    path, content = "notes/far.md", b"# Elsewhere\n\nNothing of all this.\n"
    with commits.opened({path: content}) as (base, new, _, _):
        asked = [some_request(commits.rng) for _ in range(60)]
        proven = sum(is_proven(base, new, one) for one in asked)
    assert proven > len(asked) / 2


class Small(Commits):
    """Commits of given files."""

    def __init__(self, folder: Path, files: dict[str, Content]) -> None:
        self.home, self.repo = folder / "home", RepoBuilder(folder / "brain")
        self.commit = self.repo.commit({**ONTOLOGY, **files})
        self.builder = Builder(self.home, jobs=1)
        self.target = Target(open_repository(str(self.repo.path), settings=Settings(home=self.home)), self.commit)

    def proven(self, changes: dict[str, bytes | None], asked: QueryRequest) -> bool:
        """Whether it is proven that the answer stays; the impact must agree in any case."""
        with self.opened(changes) as (base, new, plain_base, plain_new):
            old, fresh = (selection(opened, asked, owner_policy()) for opened in (plain_base, plain_new))
            proven = is_proven(base, new, asked)
            assert not proven or old == fresh
            return proven


def test_a_file_that_the_search_does_not_come_to_changes_nothing(tmp_path: Path) -> None:
    notes: dict[str, Content] = {f"notes/n{number:02}.md": f"# Note\n\nA refund {number}.\n" for number in range(40)}
    commits = Small(tmp_path, notes)
    asked = request("refund", mode="grep-only", max_matches=1)
    long = "word " * 300
    assert commits.proven({"notes/z.md": f"# Note\n\n{long} refund\n".encode()}, asked)
    assert not commits.proven({"notes/z.md": b"# Refund refund\n\nrefund\n"}, asked)
    assert not commits.proven({"notes/n00.md": None}, asked)
    every = request("refund", mode="grep-only")
    assert not commits.proven({"notes/z.md": f"# Note\n\n{long} refund\n".encode()}, every)


def test_who_asks_counts_for_the_order_of_lines(tmp_path: Path) -> None:
    def service(target: str) -> str:
        return record("Service", "service:x", title="X", edges={"depends_on": [target]})

    files: dict[str, Content] = {
        "graph/x.yaml": service("runbook:a"),
        "runbooks/a.md": markdown("Runbook", "runbook:a", "# A\n\nA refund.\n"),
        "runbooks/b.md": markdown("Runbook", "runbook:b", "# B\n\nA refund.\n"),
    }
    commits = Small(tmp_path, files)
    changes: dict[str, bytes | None] = {"graph/x.yaml": service("runbook:b").encode()}
    assert commits.proven(changes, request("refund", mode="grep-only"))
    assert not commits.proven(changes, request("refund", mode="grep-only", consumer={"service": "x"}))
