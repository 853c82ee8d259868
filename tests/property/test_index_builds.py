"""However an index is built, cold or from any ancestor, in one process or two, it is the same index."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from krate_gitops.git.repository import open_repository
from krate_gitops.index import cut
from krate_gitops.index.build import Builder
from krate_gitops.index.manifest import Manifest
from krate_gitops.index.source import Target
from krate_gitops.index.strength import Ranker, analyse
from krate_gitops.settings import Settings
from tests.property.histories import CUTS, ONTOLOGY, Changes, histories, runbook, service
from tests.repos import EXECUTABLE, SYMLINK, RepoBuilder

QUERIES = (
    "refund",
    "refunds replay",
    "the ledger of payments",
    "service:a",
    "camel case name",
    "naively résumé",
    "nothing like it",
)


@pytest.fixture(autouse=True, scope="module")
def small_shards() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cut, "CUTS", CUTS)
        patch.setattr(cut, "_LONGEST", len(CUTS))
        yield


class Line:
    """A line of commits under a root, and their indexes."""

    def __init__(self, folder: Path, history: list[Changes], root: str) -> None:
        self._folder = folder
        prefix = f"{root}/" if root else ""
        builder = RepoBuilder(folder / "brain")
        self.commits = [builder.commit({prefix + path: content for path, content in done.items()}) for done in history]
        self._root = root
        self._repository = open_repository(str(folder / "brain"), settings=Settings(home=folder))
        self._homes = 0

    def new_home(self, *, jobs: int = 1) -> Builder:
        self._homes += 1
        return Builder(self._folder / f"home{self._homes}", jobs=jobs)

    def index(self, builder: Builder, commit: str) -> Any:
        """Everything that must not depend on how the index came about."""
        built = builder.build(Target(self._repository, commit, self._root or "."))
        return (
            logical(built.manifest),
            stored(built.manifest),
            verdict(builder, built),
            strengths(builder, built.manifest),
        )


def logical(manifest: Manifest) -> Any:
    shards = [
        (s.key, s.first, s.last, s.documents, s.records, s.edges, s.parse_errors, s.digest, s.source_digest)
        for s in manifest.shards
    ]
    return (
        manifest.index_digest, manifest.source_digest, manifest.ontology_digest, manifest.variant, manifest.commit_time,
        manifest.result, manifest.counts, manifest.severities, sorted((i.path, i.reason) for i in manifest.issues),
        shards,
    )  # fmt: skip


def stored(manifest: Manifest) -> Any:
    """Digests of the stored files but for those of the search engine: facts, columns, postings, byte by byte."""
    return [
        {name: digest for name, digest in shard.files.items() if not name.startswith("segment")}
        for shard in manifest.shards
    ]


def verdict(builder: Builder, built: Any) -> Any:
    judge = builder.judge(built.source, builder.columns(built.manifest.shards), built.manifest.issues)
    return sorted((path, repr(finding), severity) for path, finding, severity in judge.findings())


def strengths(builder: Builder, manifest: Manifest) -> Any:
    ranker = Ranker(builder.columns(manifest.shards))
    found = [ranker.match(analyse(query)) for query in QUERIES]
    return [(match.strength.tolist(), match.words, np.asarray(match.held).tolist()) for match in found]


_ROOTS = st.sampled_from(("", ".company-brain", "team/memory"))


def check(history: list[Changes], root: str, order: list[int], jobs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        line = Line(Path(folder), history, root)
        cold = {commit: line.index(line.new_home(), commit) for commit in line.commits}
        other = line.new_home(jobs=jobs)
        for number in order:
            commit = line.commits[number % len(line.commits)]
            assert line.index(other, commit) == cold[commit]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), _ROOTS, st.permutations(range(5)))
def test_an_index_built_from_any_ancestor_is_the_one_built_cold(
    history: list[Changes], root: str, order: list[int]
) -> None:
    check(history, root, order, jobs=1)


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories(), _ROOTS)
def test_two_processes_build_the_same_index(history: list[Changes], root: str) -> None:
    check(history, root, [0, len(history) - 1], jobs=2)


_BASE: Changes = {f"graph/services/{name}.yaml": service(name, edges="service:a") for name in "abcdefgh"}


@pytest.mark.parametrize(
    "change",
    [
        {"graph/services/c.yaml": (SYMLINK, service("c", edges="service:a"))},
        {"graph/services/c.yaml": (EXECUTABLE, service("c", edges="service:a"))},
        {"graph/services/c.yaml": None, "graph/services/z.yaml": service("c", edges="service:a")},
        {"graph/services/c.yaml": service("d")},
        {f"graph/services/{name}.yaml": None for name in "abcdefgh"},
        {"graph/services/a.yaml": None},
        {"graph/services/h.yaml": None},
        {"a/first.txt": "x", "zz/last.txt": "y"},
        {"graph/services/c.yaml": None, "graph/services/c.yaml/d.yaml": service("d")},
        {"graph/services/bad\nname.yaml": service("x")},
        {"graph/services/0.yaml": service("a"), "notes/0000-01-01.md": "text\n"},
    ],
    ids=["symlink", "executable", "renamed", "duplicate", "all gone", "first gone", "last gone", "ends", "folder",
    "hostile", "new"],
)  # fmt: skip
def test_a_change_builds_what_a_cold_build_makes_and_back_again(tmp_path: Path, change: Changes) -> None:
    back: Changes = {path: _BASE.get(path) for path in change}
    line = Line(tmp_path, [_BASE, change, back], "")
    cold = [line.index(line.new_home(), commit) for commit in line.commits]
    other = line.new_home()
    assert [line.index(other, commit) for commit in line.commits] == cold
    backwards = line.new_home()
    assert [line.index(backwards, commit) for commit in reversed(line.commits)] == cold[::-1]


def test_a_merge_is_indexed_from_its_first_parent(tmp_path: Path) -> None:
    builder = RepoBuilder(tmp_path / "brain")
    base = builder.commit(_BASE)
    side = builder.commit({"runbooks/x.md": runbook("x")}, branch="side", parents=[base])
    builder.commit({"graph/services/a.yaml": service("a", words="changed")})
    merge = builder.merge(side)
    repository = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    cold = Builder(tmp_path / "cold", jobs=1).build(Target(repository, merge)).manifest
    other = Builder(tmp_path / "other", jobs=1)
    other.build(Target(repository, base))
    other.build(Target(repository, side))
    assert logical(other.build(Target(repository, merge)).manifest) == logical(cold)


def test_an_ontology_only_commit_builds_no_shard_but_judges_anew(tmp_path: Path) -> None:
    first: Changes = {path: versions[0] for path, versions in ONTOLOGY.items()}
    line = Line(tmp_path, [first | _BASE, {"ontology/node-kinds.yaml": ONTOLOGY["ontology/node-kinds.yaml"][1]}], "")
    builder = line.new_home()
    repository = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    one, two = (builder.build(Target(repository, commit)) for commit in line.commits)
    # The one shard that holds the changed file itself is another.
    assert two.stats.built == 1
    assert {s.key for s in two.manifest.shards} & {s.key for s in one.manifest.shards}
    assert two.manifest.counts["KB020"] == one.manifest.counts.get("KB020", 0) + len(_BASE)
    assert line.index(line.new_home(), line.commits[1]) == line.index(builder, line.commits[1])


def test_one_changed_file_builds_one_shard(tmp_path: Path) -> None:
    many: Changes = {f"notes/{number:03}.md": f"# Note {number}\n\ntext\n" for number in range(100)}
    line = Line(tmp_path, [many, {"notes/050.md": "# Changed\n\ntext\n"}], "")
    builder = line.new_home()
    repository = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))
    assert builder.build(Target(repository, line.commits[0])).stats.total > 10
    assert builder.build(Target(repository, line.commits[1])).stats.built == 1


def test_findings_that_a_path_hides_follow_their_record_to_another_path(tmp_path: Path) -> None:
    """Two files of one shard change places: to other records nothing has changed."""
    hidden = "schemaVersion: 1\nontologyVersion: 1.0.0\ndisabledPaths: {KB038: [graph/services/a.yaml]}\n"
    one, two = service("p", edges="service:none"), service("q")
    base: Changes = {path: versions[0] for path, versions in ONTOLOGY.items()}
    base["ontology/validation-rules.yaml"] = hidden
    line = Line(
        tmp_path,
        [
            base | {"graph/services/a.yaml": one, "graph/services/b.yaml": two},
            {"graph/services/a.yaml": two, "graph/services/b.yaml": one},
        ],
        "",
    )
    builder = line.new_home()
    assert [line.index(builder, commit) for commit in line.commits] == [
        line.index(line.new_home(), commit) for commit in line.commits
    ]
