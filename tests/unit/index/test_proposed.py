"""A trial commit is there for as long as it is looked at, and nothing of it is left."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from krate_gitops.errors import UnavailableError, UsageError
from krate_gitops.git.history import read_commit
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.proposed import proposed_commit, trial, validate_proposed
from krate_gitops.index.source import Target
from krate_gitops.settings import Settings
from tests.repos import RepoBuilder
from tests.unit.memory.world import ONTOLOGY, record

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FILES = {f".company-brain/{path}": content for path, content in ONTOLOGY.items()} | {
    ".company-brain/graph/a.yaml": record("Service", "service:a"),
    "README.md": "outside\n",
}


class Bench:
    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.repo = RepoBuilder(folder / "brain")
        self.commit = self.repo.commit(FILES)
        self.builder = Builder(self.home, jobs=1)
        self.target = Target(open_repository(str(self.repo.path), settings=Settings(home=self.home)), self.commit)

    def stored(self) -> set[str]:
        """Commits with a manifest in the store."""
        return {manifest.commit for _, manifest in self.builder.store.manifests() if manifest}

    def left_over(self) -> list[Path]:
        return list((self.home / "worktrees").glob("*"))


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_trial_commit_stands_on_the_base_and_holds_the_changes(bench: Bench) -> None:
    changes = {"graph/b.yaml": b"b", "graph/a.yaml": None}
    with proposed_commit(
        bench.target.repository, bench.commit, changes, root=".company-brain", home=bench.home, now=NOW
    ) as proposed:
        with ObjectReader(proposed.repository) as reader:
            found = read_commit(reader, proposed.commit)
        assert found.parents == (bench.commit,)
        assert found.committer_time == int(NOW.timestamp())
        assert bench.left_over()
    assert not bench.left_over()


def test_no_changes_make_a_commit_with_the_same_files(bench: Bench) -> None:
    with (
        trial(bench.builder, bench.target, {}, root="", home=bench.home, now=NOW) as tried,
    ):
        before, after = (bench.builder.build(side).manifest for side in (tried.base, tried.head))
        assert before.commit != after.commit
        assert before.shards == after.shards


def test_the_index_of_a_trial_is_there_within_it_and_forgotten_after_it(bench: Bench) -> None:
    changes = {"graph/b.yaml": record("Service", "service:b").encode()}
    with trial(bench.builder, bench.target, changes, root=".company-brain", home=bench.home) as tried:
        assert bench.builder.build(tried.base).manifest.records == 1
        assert bench.builder.build(tried.head).manifest.records == 2
        assert bench.stored() == {bench.commit, tried.head.commit}
    assert bench.stored() == {bench.commit}
    assert not bench.left_over()
    assert not [path for path in (bench.builder.store.root / "catalogs").glob("*") if tried.head.commit in path.name]


def test_a_trial_that_fails_is_forgotten_too(bench: Bench) -> None:
    def fail() -> None:
        with trial(bench.builder, bench.target, {"x.md": b"x"}, root="", home=bench.home) as tried:
            bench.builder.build(tried.head)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert bench.stored() == set()
    assert not bench.left_over()


def test_the_repository_is_left_as_it_was(bench: Bench) -> None:
    before = sorted(path for path in bench.repo.path.rglob("*"))
    with trial(bench.builder, bench.target, {"x.md": b"x"}, root="", home=bench.home) as tried:
        bench.builder.build(tried.head)
    assert sorted(path for path in bench.repo.path.rglob("*")) == before


def test_a_path_that_may_not_be_written_is_refused(bench: Bench) -> None:
    with pytest.raises(UsageError), trial(bench.builder, bench.target, {"../x": b""}, root="", home=bench.home):
        pass
    with pytest.raises(UsageError), trial(bench.builder, bench.target, {"gone": None}, root="", home=bench.home):
        pass
    assert not bench.left_over()


def test_an_unknown_base_and_a_home_that_is_a_file_are_clear_errors(bench: Bench) -> None:
    unknown = msgspec.structs.replace(bench.target, commit="1" * 40)
    with pytest.raises(UnavailableError), trial(bench.builder, unknown, {}, root="", home=bench.home):
        pass
    (bench.home / "file").parent.mkdir(parents=True, exist_ok=True)
    (bench.home / "file").write_text("")
    with (
        pytest.raises(UnavailableError) as raised,
        trial(bench.builder, bench.target, {}, root="", home=bench.home / "file"),
    ):
        pass
    assert raised.value.code == "INDEX_STORE_UNAVAILABLE"


def test_validation_of_a_proposal_leaves_nothing(bench: Bench) -> None:
    changes = {"graph/b.yaml": record("Unheard", "unheard:b").encode()}
    found = validate_proposed(bench.builder, bench.target, changes, root=".company-brain", home=bench.home, now=NOW)
    assert found.report.commit == ""
    assert any(diagnostic.path == "graph/b.yaml" for diagnostic in found.report.diagnostics)
    assert bench.stored() == {bench.commit}
    assert not bench.left_over()
