"""The index store deleted, torn, flipped, foreign: rebuilt, and never a wrong answer."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.repository import open_repository
from krate_gitops.index.build import Builder
from krate_gitops.index.collect import Retention, collect
from krate_gitops.index.inventory import shard_folders
from krate_gitops.index.source import Target
from krate_gitops.index.verify import verify_store
from krate_gitops.settings import Settings
from tests.integration.index.brains import Brain, answers, answers_or_code
from tests.property.histories import ONTOLOGY
from tests.repos import Content, RepoBuilder


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if not data:
        data = bytearray(b"x")
    data[len(data) // 2] ^= 4
    path.write_bytes(data)


def _flip_last(path: Path) -> None:
    data = bytearray(path.read_bytes() or b"x")
    data[-1] ^= 1
    path.write_bytes(data)


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


FAULTS: dict[str, Callable[[Path], None]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b"") and None,  # type: ignore[dict-item]
    "truncated": _truncate,
    "flipped": _flip,
    "last byte flipped": _flip_last,
    "longer": _append,
}


@pytest.fixture
def whole(pristine: Path, tmp_path: Path) -> Builder:
    """A store with the index of the first commit."""
    shutil.copytree(pristine, tmp_path / "home")
    return Builder(tmp_path / "home", jobs=1)


def _files(builder: Builder) -> Iterator[Path]:
    return (path for path in sorted(builder.store.root.rglob("*")) if path.is_file())


def _kinds(builder: Builder) -> dict[str, Path]:
    """One file of each kind, from a shard in the middle."""
    found: dict[str, Path] = {}
    for path in _files(builder):
        parts = path.relative_to(builder.store.root).parts
        kind = parts[0] if parts[0] != "shards" else path.name
        found[kind] = path
    return found


KINDS = ("summary", "catalogs", "facts", "links", "entries", "names", "findings", "postings", "manifests", "verdicts",
"ontologies",
         *(f"segment.{extension}" for extension in ("fast", "fieldnorm", "idx", "pos", "store", "term")))  # fmt: skip


def test_every_kind_of_stored_file_is_among_the_faults(whole: Builder) -> None:
    assert set(_kinds(whole)) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_in_one_file_changes_no_answer(
    kind: str, fault: str, whole: Builder, brain: Brain, expected: list[Any]
) -> None:
    path = _kinds(whole)[kind]
    FAULTS[fault](path)
    other = Builder(whole.store.root.parents[1], jobs=1)
    assert answers(other, brain.first) == expected[0]
    assert answers(other, brain.second) == expected[1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_in_the_place_of_a_file_gives_the_right_answer_or_a_clear_error(
    kind: str, whole: Builder, brain: Brain, expected: list[Any]
) -> None:
    path = _kinds(whole)[kind]
    path.unlink()
    path.mkdir()
    for target, answer in zip((brain.first, brain.second), expected, strict=True):
        assert answers_or_code(whole, target) in (answer, "INDEX_STORE_UNAVAILABLE")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", ["deleted", "truncated", "flipped"])
def test_a_fault_in_an_older_commit_does_not_spoil_the_next_one(
    kind: str, fault: str, whole: Builder, brain: Brain, expected: list[Any]
) -> None:
    """The next commit shares all shards but one, and the changed one is made from what is stored."""
    for path in list(_files(whole)):
        if path.name == kind or kind in path.parts:
            FAULTS[fault](path)
    assert answers(Builder(whole.store.root.parents[1], jobs=1), brain.second) == expected[1]


@pytest.mark.parametrize("part", ["shards", "manifests", "verdicts", "ontologies", "."])
def test_a_deleted_folder_is_made_again(part: str, whole: Builder, brain: Brain, expected: list[Any]) -> None:
    shutil.rmtree(whole.store.root / part)
    assert answers(whole, brain.first) == expected[0]
    assert answers(whole, brain.second) == expected[1]


def test_files_of_one_shard_under_the_name_of_another_are_not_served(
    whole: Builder, brain: Brain, expected: list[Any]
) -> None:
    folders = list(shard_folders(whole.store))
    for one, two in zip(folders, folders[1:] + folders[:1], strict=True):
        one.rename(two.with_name(two.name + ".moved"))
    for folder in folders:
        folder.with_name(folder.name + ".moved").rename(folder)
    assert answers(whole, brain.first) == expected[0]


def test_a_manifest_under_the_name_of_another_commit_is_not_served(
    whole: Builder, brain: Brain, expected: list[Any]
) -> None:
    built = whole.build(brain.first)
    theirs = whole.store.manifest_path(brain.first.commit, built.manifest.variant)
    ours = whole.store.manifest_path(brain.second.commit, built.manifest.variant)
    ours.parent.mkdir(exist_ok=True)
    shutil.copy(theirs, ours)
    assert answers(whole, brain.second) == expected[1]


@pytest.mark.parametrize("place", ["shards/stray", "shards/ab/stray", "manifests/stray", "manifests/ab/stray",
"verdicts/stray",
                                   "ontologies/stray", "tmp/stray", "views/stray", "stray", "../v0/manifests/x",
                                   "../v999/shards/x"])  # fmt: skip
def test_foreign_files_disturb_nothing(place: str, whole: Builder, brain: Brain, expected: list[Any]) -> None:
    path = whole.store.root / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("not ours")
    assert answers(whole, brain.first) == expected[0]
    assert answers(whole, brain.second) == expected[1]
    list(shard_folders(whole.store))
    list(whole.store.manifests())
    verify_store(whole.store)
    collect(whole.store, Retention(guard_seconds=0, per_repository=1), now=2e10)
    assert answers(whole, brain.first) == expected[0]


def test_a_file_where_a_folder_should_be_is_a_clear_error(brain: Brain, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way")
    with pytest.raises(UnavailableError) as caught:
        Builder(tmp_path / "home", jobs=1).build(brain.first)
    assert caught.value.code == "INDEX_STORE_UNAVAILABLE"


def test_damage_that_comes_back_is_a_clear_error(brain: Brain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that gives back other bytes than were written."""
    write = Path.write_bytes

    def rot(path: Path, data: bytes) -> int:
        return write(path, data[:-1] + b"\xff" if path.name == "links" else data)

    monkeypatch.setattr(Path, "write_bytes", rot)
    with pytest.raises(UnavailableError) as caught:
        answers(Builder(tmp_path / "home", jobs=1), brain.first)
    assert caught.value.code == "INDEX_STORE_DAMAGED"


def test_two_organizations_share_a_store_and_no_verdict(tmp_path: Path) -> None:
    kinds = ONTOLOGY["ontology/node-kinds.yaml"][0].replace(
        "  - {name: Team",
        "  - {name: BabysitterRun, idPrefix: babysitter-run, description: A run., examples: [a]}\n  - {name: Team",
    )
    run = "nodeKind: BabysitterRun\nid: babysitter-run:r1\nattributes: {organization: org:acme, status: approved}\n"
    repository = RepoBuilder(tmp_path / "brain")
    files: dict[str, Content] = {path: versions[0] for path, versions in ONTOLOGY.items()}
    files |= {"ontology/node-kinds.yaml": kinds, "babysitter/runs/r1/run.yaml": run}
    first = repository.commit(files)
    second = repository.commit({"notes/a.md": "# Note\n\ntext\n"})
    opened = open_repository(str(tmp_path / "brain"), settings=Settings(home=tmp_path))

    def counts(organization: str, commit: str, home: str) -> dict[str, int]:
        builder = Builder(tmp_path / home, organization=organization, jobs=1)
        return builder.build(Target(opened, commit)).manifest.counts

    alone = {name: [counts(name, commit, name) for commit in (first, second)] for name in ("acme", "globex")}
    assert ["KB091" in found for found in (alone["acme"][0], alone["globex"][0])] == [False, True]
    for commit in range(2):
        for name in ("acme", "globex", "acme"):
            assert counts(name, (first, second)[commit], "shared") == alone[name][commit]
