"""A mirror is the same brain by every gate, and any difference closes the gate that is about it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.git.mirroring import mirror
from krate_gitops.git.repository import open_repository
from krate_gitops.memory import rotation_side
from krate_gitops.memory.brain import Brain
from krate_gitops.memory.policy import owner_policy
from krate_gitops.memory.rotation import MOST_DIFFERENCES, Parity, verify_mirror
from krate_gitops.memory.rotation_questions import Assembly, recent_assemblies
from krate_gitops.records.database import close_databases
from krate_gitops.settings import Settings
from tests.integration.git.servers import git_backend, serve
from tests.repos import RepoBuilder, git
from tests.snapshots import Desk

GATES = [
    "defaultBranch", "refs", "commits", "objects", "commit", "fileSetDigest", "ontologyDigest", "indexDigest",
    "snapshotTags",
]  # fmt: skip


class Move:
    """A brain with tags and notes, and its mirror."""

    def __init__(self, folder: Path, settings: Settings, object_format: str) -> None:
        self.desk = Desk(folder, settings, object_format=object_format)
        self.desk.repo.tag("memory/snapshots/2026-06-01T000000Z", self.desk.first, message="{}")
        self.desk.repo.tag("v1", self.desk.second, message="one")
        git(self.desk.repo.git_dir, "notes", "add", "-m", "seen", self.desk.second)
        self.to = folder / "moved" / "brain.git"
        self.mirror()

    def mirror(self) -> None:
        settings = self.desk.settings
        mirror(open_repository(self.desk.spec, settings=settings), str(self.to), settings=settings)

    def verify(self, other: str | None = None, most: int = 20) -> Parity:
        return verify_mirror(self.desk.brain(), other or str(self.to), self.desk.database, most=most)

    def closed(self, other: str | None = None) -> dict[str, tuple[str, ...]]:
        """Gates that don't match, with what differs."""
        found = self.verify(other)
        closed = {gate.name: gate.differences for gate in found.gates if not gate.match}
        assert found.match == (not closed)
        return closed


@pytest.fixture(params=["sha1", "sha256"])
def move(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Iterator[Move]:
    yield Move(tmp_path, Settings(home=home, deadline_seconds=60), request.param)
    close_databases()


def test_a_mirror_passes_every_gate(move: Move) -> None:
    found = move.verify()
    assert [gate.name for gate in found.gates] == GATES
    assert (found.match, found.replays) == (True, ())
    assert all(gate.repository == gate.other for gate in found.gates)
    counts = {gate.name: gate.repository_count for gate in found.gates}
    assert (counts["refs"], counts["commits"], counts["snapshotTags"]) == (4, 3, 1)


def test_the_index_of_the_other_is_built_from_its_own_files(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    places = []
    read = Brain.read

    def seen(brain: Brain, *arguments: object) -> object:
        places.append((brain.repository.git_dir, brain.builder.store.root))
        return read(brain, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Brain, "read", seen)
    move.verify()
    [(here, mine), (there, theirs)] = places
    assert (here, there) == (move.desk.repo.git_dir, move.to)
    assert mine != theirs
    assert not theirs.exists()


def test_questions_that_were_answered_lately_are_asked_on_both_each_once(move: Move) -> None:
    for number in range(3):
        move.desk.take(request_id=f"same-{number}")
    move.desk.take("another needle", request_id="other", mode="grep-only")
    found = move.verify()
    assert [gate.name for gate in found.gates] == [*GATES, "selections"]
    assert (found.match, len(found.replays)) == (True, 2)
    assert all(
        set(one.repository) == {"selectedRecordsDigest", "selectedExcerptsDigest", "selectedDocumentsDigest"}
        for one in found.replays
    )
    assert len(move.verify(most=1).replays) == 1
    assert move.verify(most=0).replays == ()


def test_questions_are_asked_at_the_current_commit_of_both(move: Move) -> None:
    old = move.desk.take(ref=move.desk.first, request_id="old", mode="grep-only").snapshot.spec
    [now] = move.verify().replays
    at_tip = move.desk.take(request_id="new", mode="grep-only").snapshot.spec
    assert at_tip.selected_excerpts_digest != old.selected_excerpts_digest
    assert now.repository["selectedExcerptsDigest"] == at_tip.selected_excerpts_digest


def test_snapshots_of_other_repositories_are_not_asked(move: Move, tmp_path: Path) -> None:
    elsewhere = Desk(tmp_path / "e", move.desk.settings, name="elsewhere")
    elsewhere.take()
    assert recent_assemblies(move.desk.database, "local", "brain", 20) == []
    assert len(recent_assemblies(move.desk.database, "local", "elsewhere", 20)) == 1


def test_a_question_that_fails_on_both_sides_alike_is_the_same(move: Move, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = move.desk.take()
    empty = Assembly(kept.snapshot.metadata.name, type(kept.material.request)(text=" "), owner_policy())
    monkeypatch.setattr("krate_gitops.memory.rotation.recent_assemblies", lambda *_: [empty])
    [asked] = move.verify().replays
    assert asked.repository == asked.other == {"error": "INVALID_REQUEST"}
    assert asked.match


def test_other_content_closes_the_gates_of_content_and_of_answers(move: Move) -> None:
    move.desk.take(mode="grep-only")
    other = RepoBuilder(move.to.parent / "other.git", object_format=move.desk.repo.object_format)
    shutil.copytree(move.to, other.path, dirs_exist_ok=True)
    other.commit({"notes/n.md": "# N\n\nA needle of theirs.\n"}, parents=[move.desk.second])
    closed = move.closed(str(other.path))
    assert closed.keys() == {
        "refs", "commits", "objects", "commit", "fileSetDigest", "indexDigest", "selections",
    }  # fmt: skip
    assert (closed["refs"], closed["fileSetDigest"]) == (("refs/heads/main",), ("notes/n.md",))


def test_another_ontology_closes_its_gate(move: Move) -> None:
    other = RepoBuilder(move.to.parent / "other.git", object_format=move.desk.repo.object_format)
    shutil.copytree(move.to, other.path, dirs_exist_ok=True)
    other.commit({"ontology/validation-rules.yaml": "schemaVersion: 1\n"}, parents=[move.desk.second])
    assert "ontologyDigest" in move.closed(str(other.path))


@pytest.mark.parametrize("ref", ["refs/heads/extra", "refs/tags/extra", "refs/notes/extra"])
def test_a_ref_too_many_closes_the_gate_of_refs_alone(move: Move, ref: str) -> None:
    git(move.to, "update-ref", ref, move.desk.second)
    assert move.closed() == {"refs": (ref,)}


def test_a_ref_too_few_closes_the_gate_of_refs(move: Move) -> None:
    git(move.to, "update-ref", "-d", "refs/notes/commits")
    assert move.closed()["refs"] == ("refs/notes/commits",)


def test_a_snapshot_tag_that_was_made_anew_closes_its_gate(move: Move) -> None:
    name = "refs/tags/memory/snapshots/2026-06-01T000000Z"
    git(move.to, "update-ref", name, move.desk.first)
    closed = move.closed()
    assert closed["snapshotTags"] == closed["refs"] == (name,)


def test_another_default_branch_closes_its_gate(move: Move) -> None:
    git(move.to, "branch", "other", "main")
    git(move.desk.repo.git_dir, "branch", "other", "main")
    git(move.to, "symbolic-ref", "HEAD", "refs/heads/other")
    assert move.closed() == {"defaultBranch": ()}


def test_an_object_of_the_past_that_is_missing_closes_a_gate(move: Move) -> None:
    old = git(move.to, "rev-parse", f"{move.desk.first}:notes/n.md").decode().strip()
    for pack in list(move.to.rglob("pack-*")):
        data = pack.read_bytes()
        pack.unlink()
        if pack.suffix == ".pack":
            git(move.to, "unpack-objects", "-q", stdin=data)
    (move.to / "objects" / old[:2] / old[2:]).unlink()
    found = {gate.name: gate for gate in move.verify().gates}
    assert not found["objects"].match
    assert found["objects"].other.startswith("incomplete: ")
    assert old in found["objects"].other


def test_differences_are_told_up_to_a_number(move: Move) -> None:
    for number in range(MOST_DIFFERENCES + 5):
        git(move.to, "update-ref", f"refs/heads/x{number:02}", move.desk.second)
    assert len(move.closed()["refs"]) == MOST_DIFFERENCES


def test_a_hostile_ref_name_can_be_told(move: Move) -> None:
    git(
        move.to,
        "update-ref",
        "-z",
        "--stdin",
        stdin=b"create refs/heads/\xe2\x80\xae\xff\0" + move.desk.second.encode() + b"\0",
    )
    assert move.closed() == {"refs": ("refs/heads/\\u202e\\xff",)}


def test_an_address_can_be_the_other(move: Move) -> None:
    with serve(git_backend(move.to.parent)) as url:
        assert move.closed(f"{url}/brain.git") == {}
        git(move.to, "update-ref", "refs/notes/extra", move.desk.second)
        assert move.closed(f"{url}/brain.git") == {"refs": ("refs/notes/extra",)}


def test_a_bundle_can_be_the_other(move: Move, tmp_path: Path) -> None:
    assert move.closed(str(move.desk.repo.bundle(tmp_path / "brain.bundle"))) == {}


def test_neither_repository_is_written_to(move: Move) -> None:
    move.desk.take()
    before = {path: path.stat().st_mtime_ns for place in (move.to, move.desk.repo.path) for path in place.rglob("*")}
    move.verify()
    after = {path: path.stat().st_mtime_ns for place in (move.to, move.desk.repo.path) for path in place.rglob("*")}
    assert before == after


def test_what_a_killed_comparison_left_is_cleared_away(move: Move) -> None:
    left = move.desk.settings.home / "rotation" / "left"
    left.mkdir(parents=True)
    move.verify()
    assert list(left.parent.iterdir()) == []


def test_a_submodule_a_link_and_a_large_file_take_part_by_their_ids(
    move: Move, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation_side, "_MOST_BYTES", 40)
    move.desk.repo.commit(
        {"vendor": (0o160000, move.desk.first), "notes/l.md": (0o120000, "n.md"), "notes/big.md": "x" * 100}
    )
    move.mirror()
    found = {gate.name: gate for gate in move.verify().gates}
    assert found["fileSetDigest"].match
    assert found["fileSetDigest"].repository_count == 8


def test_a_real_brain_is_moved_and_proven(shared_dir: Path, tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home, jobs=1)
    brain = Brain(str(shared_dir / "data" / "atlas-brain.bundle"), settings=settings)
    mirror(brain.repository, str(tmp_path / "atlas.git"), settings=settings)
    found = verify_mirror(brain, str(tmp_path / "atlas.git"), None)
    assert found.match
