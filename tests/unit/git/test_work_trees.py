"""A branch that is checked out moves together with its files, or not at all."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from krate_gitops.errors import DeniedError
from krate_gitops.git.push import Pushed, push_branch
from krate_gitops.git.repository import open_repository
from krate_gitops.git.work_trees import RefMovedError, move_with_work_tree
from krate_gitops.settings import Settings
from tests.killed import calls_of, killed_after
from tests.repos import RepoBuilder, git

NEW = {"notes/a.md": "# A, changed\n", "notes/new.md": "# New\n", "notes/gone.md": None}


class Checkout:
    """A repository whose ``main`` is checked out, and a commit that shall come next."""

    def __init__(self, folder: Path) -> None:
        self.repo = RepoBuilder(folder / "brain", bare=False)
        self.path = self.repo.path
        files = {"notes/a.md": "# A\n", "notes/gone.md": "# Gone\n", "notes/b.md": "# B\n", ".gitignore": "*.log\n"}
        self.old = self.repo.commit(files)
        self.repo.checkout()
        self.new = self.repo.commit(NEW, branch="next", parents=[self.old])
        self._settings = Settings(home=folder / "home")

    def push(self, new: str | None = None, expected: str | None = None) -> Pushed:
        repository = open_repository(str(self.path), settings=self._settings)
        return push_branch(
            repository,
            str(self.path),
            "main",
            new or self.new,
            expected or self.old,
            settings=self._settings,
            with_work_tree=True,
        )

    def git(self, *arguments: str) -> str:
        return git(self.repo.git_dir, "-C", str(self.path), f"--work-tree={self.path}", *arguments).decode()

    @property
    def tip(self) -> str:
        return self.git("rev-parse", "refs/heads/main").strip()

    @property
    def status(self) -> str:
        return self.git("status", "--porcelain")

    def write(self, path: str, text: str) -> None:
        file = self.path / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_a_clean_work_tree_gets_the_new_files(checkout: Checkout) -> None:
    checkout.write("debug.log", "ignored\n")
    checkout.write("notes/mine.txt", "untracked, and nobody's concern\n")
    assert checkout.push() is Pushed.DONE
    assert checkout.tip == checkout.new
    assert checkout.status == "?? notes/mine.txt\n"
    assert (checkout.path / "notes/a.md").read_text() == "# A, changed\n"
    assert not (checkout.path / "notes/gone.md").exists()
    assert not list(checkout.repo.git_dir.rglob("*.lock"))
    assert checkout.push() is Pushed.DONE  # again


def _edited(checkout: Checkout) -> None:
    checkout.write("notes/b.md", "# B, half way\n")


def _edited_in_the_same_place(checkout: Checkout) -> None:
    checkout.write("notes/a.md", "# A, otherwise\n")


def _staged(checkout: Checkout) -> None:
    checkout.write("notes/c.md", "# C\n")
    checkout.git("add", "notes/c.md")


def _untracked(checkout: Checkout) -> None:
    checkout.write("notes/new.md", "# Mine\n")


def _folder(checkout: Checkout) -> None:
    (checkout.path / "notes/new.md").mkdir()


def _deleted(checkout: Checkout) -> None:
    (checkout.path / "notes/b.md").unlink()


def _linked(checkout: Checkout) -> None:
    (checkout.path / "notes/new.md").symlink_to("/etc/hostname")


def _merging(checkout: Checkout) -> None:
    (checkout.repo.git_dir / "MERGE_HEAD").write_text(f"{checkout.old}\n")


def _index_locked(checkout: Checkout) -> None:
    (checkout.repo.git_dir / "index.lock").touch()


@pytest.mark.parametrize(
    "hinder",
    [
        _edited,
        _edited_in_the_same_place,
        _staged,
        _untracked,
        _folder,
        _deleted,
        _linked,
        _merging,
        _index_locked,
    ],
)
def test_work_that_is_not_committed_is_never_overwritten(
    checkout: Checkout, hinder: Callable[[Checkout], None]
) -> None:
    hinder(checkout)
    before = checkout.status
    content = {
        path: path.read_bytes() for path in checkout.path.rglob("*") if path.is_file() and ".git" not in path.parts
    }
    with pytest.raises(DeniedError) as refused:
        checkout.push()
    assert refused.value.code == "PUSH_REFUSED"
    assert "git status" in refused.value.hint
    assert checkout.tip == checkout.old
    assert checkout.status == before
    assert all(path.read_bytes() == data for path, data in content.items())
    assert not (checkout.repo.git_dir / "refs/heads/main.lock").exists()


def test_files_that_are_as_the_new_commit_has_them_are_in_nobodys_way(checkout: Checkout) -> None:
    checkout.write("notes/a.md", "# A, changed\n")
    checkout.write("notes/new.md", "# New\n")
    (checkout.path / "notes/gone.md").unlink()
    assert checkout.push() is Pushed.DONE
    assert (checkout.tip, checkout.status) == (checkout.new, "")


def test_a_branch_that_moved_is_left_where_it_is(checkout: Checkout) -> None:
    other = checkout.repo.commit({"notes/b.md": "# B 2\n"})
    checkout.repo.checkout()
    assert checkout.push() is Pushed.MOVED
    assert (checkout.tip, checkout.status) == (other, "")


def test_a_linked_work_tree_is_found_and_moved(checkout: Checkout, tmp_path: Path) -> None:
    checkout.git("checkout", "-q", "--detach")
    linked = tmp_path / "linked\nplace"
    checkout.git("worktree", "add", "-q", str(linked), "main")
    assert checkout.push() is Pushed.DONE
    assert (linked / "notes/new.md").read_text() == "# New\n"
    assert git(None, "-C", str(linked), "status", "--porcelain") == b""
    assert b"update" not in git(None, "-C", str(linked), "log", "-1", "--format=%s")


def test_without_leave_a_checked_out_branch_stays(checkout: Checkout, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    repository = open_repository(str(checkout.path), settings=settings)
    with pytest.raises(DeniedError, match="checked out"):
        push_branch(repository, str(checkout.path), "main", checkout.new, checkout.old, settings=settings)
    assert checkout.tip == checkout.old


def test_whoever_is_killed_half_way_loses_nothing_and_the_next_one_finishes(tmp_path: Path) -> None:
    first = Checkout(tmp_path / "counted")
    calls = calls_of(first.push, since="move_with_work_tree")
    # Most calls look for what is in the way; what is written comes last.
    points = [*range(0, calls, calls // 6), *range(calls - 120, calls - 8, 6)]
    seen = set()
    for point in points:
        checkout = Checkout(tmp_path / f"{point}")
        assert killed_after(checkout.push, point, since="move_with_work_tree") <= 0
        tree = checkout.git("diff", "--cached", "--name-only", checkout.old)
        seen.add((checkout.tip == checkout.new, bool(tree)))
        assert checkout.push() is Pushed.DONE
        assert (checkout.tip, checkout.status) == (checkout.new, "")
    assert (False, True) in seen  # between the files and the branch


def test_a_lock_that_somebody_left_is_named(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("krate_gitops.git.work_trees._LOCK_WAIT_MS", 1)
    (checkout.repo.git_dir / "refs/heads/main.lock").touch()
    with pytest.raises(RefMovedError, match="lock"):
        move_with_work_tree(checkout.path, "refs/heads/main", checkout.new, checkout.old)
