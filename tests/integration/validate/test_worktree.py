"""Validation of files that nobody has committed: what is on disk counts, and the repository is left alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from krate_gitops.errors import UsageError
from krate_gitops.git.repository import open_repository
from krate_gitops.index.inventory import shard_folders
from krate_gitops.index.validate import Validation
from krate_gitops.index.worktree import validate_worktree
from krate_gitops.settings import Settings
from tests.integration.validate.brains import LEDGER, Brain, graph, line, sound_files
from tests.repos import FIRST_COMMIT_TIME, git

NOW = FIRST_COMMIT_TIME + 3600


@pytest.fixture
def checkout(tmp_path: Path) -> Brain:
    """A checked-out brain without faults."""
    brain = Brain(tmp_path, bare=False)
    brain.commit(sound_files())
    brain.repo.checkout()
    return brain


def check(brain: Brain, **options: object) -> Validation:
    repository = open_repository(str(brain.repo.path), settings=Settings(home=brain.home))
    return validate_worktree(brain.builder, repository, home=brain.home, now=NOW, **options)  # type: ignore[arg-type]


def found(brain: Brain, **options: object) -> list[str]:
    return [line(one) for one in check(brain, **options).report.diagnostics]


def state(folder: Path) -> dict[str, str]:
    """Every file below a folder by its content."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.is_symlink()
    }


def test_a_clean_checkout_is_as_valid_as_its_commit(checkout: Brain) -> None:
    report = check(checkout).report
    assert (report.diagnostics, report.files, report.records, report.commit) == ([], 11, 4, "")


def test_changed_new_staged_and_deleted_files_count(checkout: Brain) -> None:
    top = checkout.repo.path
    (top / "graph/services/ledger.yaml").write_text(LEDGER.replace("fx-rates", "fx-rate"))
    (top / "notes/new.md").write_text("words\n")
    (top / "notes/staged.md").write_text("words\n")
    git(checkout.repo.git_dir, "-C", str(top), f"--work-tree={top}", "add", "notes/staged.md")
    (top / "README.md").unlink()
    before = state(top)
    assert found(checkout) == [
        "KB010 README.md:0:0",
        "KB038 graph/services/ledger.yaml:10:15",
        "KB030 notes/new.md:1:1",
        "KB030 notes/staged.md:1:1",
    ]
    assert state(top) == before


def test_ignored_files_do_not_count(checkout: Brain) -> None:
    top = checkout.repo.path
    (top / ".git/info/exclude").write_text("*.swp\n")
    (top / "notes/.new.md.swp").write_text("x")
    (top / "notes/.gitignore").write_text("build/\n")
    (top / "notes/build").mkdir()
    (top / "notes/build/x.bin").write_bytes(b"\0")
    assert found(checkout) == ["KB012 notes/.gitignore:1:1"]


def test_links_are_never_followed(checkout: Brain, tmp_path: Path) -> None:
    top = checkout.repo.path
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text("ghp_R8sK2mQ7vT4xZ1nB6wY3cD9fG5hJ0pL8aE2u\n")
    (top / "notes/link.md").symlink_to(outside / "secret.md")
    (top / "notes/folder").symlink_to(outside)
    (top / "notes/gone.md").symlink_to("nowhere")
    for path in (top / "runbooks").iterdir():
        path.unlink()
    (top / "runbooks").rmdir()
    (outside / "refunds.md").write_text("not a runbook")
    (top / "runbooks").symlink_to(outside)
    assert found(checkout) == [
        "KB013 notes/folder:1:1",
        "KB013 notes/gone.md:1:1",
        "KB013 notes/link.md:1:1",
        "KB013 runbooks:1:1",
    ]


def test_what_is_no_file_is_passed_over(checkout: Brain) -> None:
    path = checkout.repo.path / "notes/meeting.md"
    path.unlink()
    os.mkfifo(path)
    assert found(checkout) == []


def test_large_files_are_told_by_their_size(checkout: Brain) -> None:
    (checkout.repo.path / "notes/large.md").write_bytes(b"a " * 2_000_000)
    assert found(checkout) == ["KB006 notes/large.md:1:1"]


def test_line_ends_of_another_system_change_nothing(checkout: Brain) -> None:
    path = checkout.repo.path / "graph/services/ledger.yaml"
    path.write_bytes(LEDGER.replace("fx-rates", "fx-rate").replace("\n", "\r\n").encode())
    assert found(checkout) == ["KB038 graph/services/ledger.yaml:10:15"]


def test_a_checkout_without_any_commit_is_checked_too(tmp_path: Path) -> None:
    brain = Brain(tmp_path, bare=False)
    (brain.repo.path / "notes").mkdir()
    (brain.repo.path / "notes/x.md").write_text("words\n")
    assert "KB030 notes/x.md:1:1" in found(brain)


def test_the_memory_root_is_found_and_files_outside_it_are_nobodys_business(tmp_path: Path) -> None:
    brain = Brain(tmp_path, root=".company-brain", bare=False)
    brain.commit(sound_files())
    brain.repo.checkout()
    (brain.repo.path / "scratch.bin").write_bytes(b"\0")
    (brain.repo.path / ".company-brain/notes/x.md").write_text("words\n")
    result = check(brain)
    assert ([line(one) for one in result.report.diagnostics], result.root) == (
        ["KB030 notes/x.md:1:1"], ".company-brain",
    )  # fmt: skip


def test_a_change_of_the_worktree_is_judged_against_a_commit(checkout: Brain) -> None:
    base = checkout.commit({"graph/teams/web.yaml": graph("Team", "team:web")})
    checkout.repo.checkout()
    (checkout.repo.path / "graph/teams/web.yaml").unlink()
    assert found(checkout, base=checkout.target(base)) == ["KB057 graph/teams/web.yaml:1:1"]


def test_unchanged_files_are_not_parsed_again(checkout: Brain) -> None:
    checkout.builder.build(checkout.target(checkout.repo.tip() or ""))
    shards = set(shard_folders(checkout.builder.store))
    found(checkout)
    assert set(shard_folders(checkout.builder.store)) == shards


def test_what_was_checked_is_there_when_it_is_committed(checkout: Brain) -> None:
    (checkout.repo.path / "notes/new.md").write_text("# New\n\nx\n")
    found(checkout)
    commit = checkout.commit({"notes/new.md": "# New\n\nx\n"})
    assert checkout.builder.build(checkout.target(commit)).stats.built == 0


def test_nothing_is_left_behind(checkout: Brain) -> None:
    found(checkout)
    assert list((checkout.home / "worktrees").iterdir()) == []
    assert list(checkout.builder.store.manifests()) == []
    assert not list(checkout.builder.store.root.glob("catalogs/*"))


def test_sha256_repositories_can_be_checked(tmp_path: Path) -> None:
    brain = Brain(tmp_path, bare=False, object_format="sha256")
    brain.commit(sound_files())
    brain.repo.checkout()
    (brain.repo.path / "notes/x.md").write_text("words\n")
    assert found(brain) == ["KB030 notes/x.md:1:1"]


def test_a_shallow_clone_can_be_checked(checkout: Brain, tmp_path: Path) -> None:
    checkout.commit({"notes/two.md": "# Two\n\nx\n"})
    git(None, "clone", "-q", "--depth=1", f"file://{checkout.repo.path}", str(tmp_path / "shallow"))
    (tmp_path / "shallow/notes/x.md").write_text("words\n")
    repository = open_repository(str(tmp_path / "shallow"), settings=Settings(home=checkout.home))
    result = validate_worktree(checkout.builder, repository, home=checkout.home, now=NOW)
    assert [line(one) for one in result.report.diagnostics] == ["KB030 notes/x.md:1:1"]


def test_a_bare_repository_has_no_files_to_check(brain: Brain) -> None:
    with pytest.raises(UsageError) as caught:
        check(brain)
    assert caught.value.code == "INVALID_REQUEST"
