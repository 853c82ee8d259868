"""A branch is moved by compare-and-swap, here and over there, and never backwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from krate_gitops.errors import DeniedError, UnavailableError, UsageError
from krate_gitops.git.local import Repository
from krate_gitops.git.push import Pushed, delete_branch, descends, push_branch
from krate_gitops.git.repository import open_repository
from krate_gitops.settings import Settings
from tests.integration.git.servers import git_backend, hang, redirect_to, serve
from tests.repos import RepoBuilder, git


class Place:
    """A repository, how it is reached, and where commits for it are built."""

    def __init__(self, repo: RepoBuilder, spec: str, settings: Settings) -> None:
        self.repo, self.spec, self.settings = repo, spec, settings
        self.first = repo.commit({"a": "1"})
        self.second = repo.commit({"a": "2"}, branch="second", parents=[self.first])
        self.other = repo.commit({"a": "3"}, branch="other", parents=[self.first])
        self.repository: Repository = open_repository(spec, settings=settings)

    def push(self, branch: str, new: str, expected: str | None) -> Pushed:
        return push_branch(self.repository, self.spec, branch, new, expected, settings=self.settings)


@pytest.fixture(params=["path", "file", "http"])
def place(request: pytest.FixtureRequest, tmp_path: Path, home: Path) -> Iterator[Place]:
    settings = Settings(home=home, deadline_seconds=60, allow_file_protocol=True)
    repo = RepoBuilder(tmp_path / "x.git")
    git(repo.git_dir, "config", "http.receivepack", "true")
    with serve(git_backend(tmp_path)) as url:
        spec = {"path": str(repo.path), "file": f"file://{repo.path}", "http": f"{url}/x.git"}[request.param]
        yield Place(repo, spec, settings)


def test_a_branch_moves_on_and_a_new_one_is_made(place: Place) -> None:
    assert place.push("main", place.second, place.first) is Pushed.DONE
    assert place.push("new/branch", place.second, None) is Pushed.DONE
    assert (place.repo.tip(), place.repo.tip("new/branch")) == (place.second, place.second)


def test_a_branch_that_moved_stays_where_it_is(place: Place) -> None:
    git(place.repo.git_dir, "update-ref", "refs/heads/main", place.other)
    assert place.push("main", place.second, place.first) is Pushed.MOVED
    assert place.push("other", place.second, None) is Pushed.MOVED
    assert place.push("absent", place.second, place.first) is Pushed.MOVED
    assert (place.repo.tip(), place.repo.tip("other")) == (place.other, place.other)


def test_a_branch_that_went_back_is_not_brought_forward_again(place: Place) -> None:
    later = place.repo.commit({"a": "4"}, branch="second")
    place.repository = open_repository(place.spec, settings=place.settings)
    assert place.push("main", later, place.second) is Pushed.MOVED
    assert place.repo.tip() == place.first


def test_what_is_there_already_is_done(place: Place) -> None:
    assert place.push("main", place.second, place.first) is Pushed.DONE
    assert place.push("main", place.second, place.second) is Pushed.DONE


def test_no_branch_is_moved_sideways_or_backwards(place: Place) -> None:
    for new, expected in ((place.other, place.second), (place.first, place.second)):
        with pytest.raises(UsageError, match="doesn't continue"):
            place.push("main", new, expected)
    with pytest.raises(UsageError):
        place.push("../x", place.second, place.first)


def test_descent_is_told_from_history(place: Place) -> None:
    assert descends(place.repository, place.second, place.first)
    assert descends(place.repository, place.first, place.first)
    assert not descends(place.repository, place.first, place.second)
    assert not descends(place.repository, place.other, place.second)


def test_a_branch_with_files_in_a_work_tree_is_refused(tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home)
    repo = RepoBuilder(tmp_path / "co", bare=False)
    first = repo.commit({"a": "1"})
    second = repo.commit({"a": "2"}, branch="second", parents=[first])
    repo.checkout()
    linked_tree = str(tmp_path / "l")
    git(repo.git_dir, "--work-tree", str(repo.path), "worktree", "add", "-q", "-b", "linked", linked_tree, first)
    repository = open_repository(str(repo.path), settings=settings)
    for branch in ("main", "linked"):
        with pytest.raises(DeniedError, match="checked out") as caught:
            push_branch(repository, str(repo.path), branch, second, first, settings=settings)
        assert caught.value.code == "PUSH_REFUSED"
    assert push_branch(repository, str(repo.path), "free", second, None, settings=settings) is Pushed.DONE
    linked = open_repository(linked_tree, settings=settings)
    with pytest.raises(DeniedError, match="checked out"):
        push_branch(linked, linked_tree, "main", second, first, settings=settings)


def test_a_branch_below_another_ones_name_is_refused_with_the_reason(place: Place) -> None:
    with pytest.raises(DeniedError, match="exists; cannot create") as caught:
        place.push("main/below", place.second, None)
    assert caught.value.code == "PUSH_REFUSED"


def test_a_branch_that_was_deleted_is_not_made_again(place: Place) -> None:
    place.repo.ref("refs/heads/other", None)
    later = place.repo.commit({"a": "5"}, branch="fourth", parents=[place.other])
    place.repository = open_repository(place.spec, settings=place.settings)
    assert place.push("other", later, place.other) is Pushed.MOVED
    assert place.repo.tip("other") is None


def test_a_lock_that_stays_is_a_race_that_is_lost(tmp_path: Path, home: Path) -> None:
    place = Place(RepoBuilder(tmp_path / "x.git"), str(tmp_path / "x.git"), Settings(home=home))
    (place.repo.git_dir / "refs" / "heads" / "main.lock").write_text("")
    assert place.push("main", place.second, place.first) is Pushed.MOVED


def test_failures_of_the_way_are_told_apart(tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home, deadline_seconds=60)
    repo = RepoBuilder(tmp_path / "x.git")
    with serve(git_backend(tmp_path)) as url:
        place = Place(repo, f"{url}/x.git", settings)
        with pytest.raises(UnavailableError) as caught:
            place.push("main", place.second, place.first)
        assert caught.value.code == "KR705"
        with serve(redirect_to(url)) as elsewhere:
            place.spec = f"{elsewhere}/x.git"
            with pytest.raises(UnavailableError) as redirected:
                place.push("main", place.second, place.first)
            assert redirected.value.code == "KR701"
    place.spec = f"{url}/x.git"
    with pytest.raises(UnavailableError) as gone:
        place.push("main", place.second, place.first)
    assert gone.value.code == "KR701"
    with serve(hang(20)) as slow:
        place.spec, place.settings = f"{slow}/x.git", Settings(home=home, deadline_seconds=0.5)
        with pytest.raises(UnavailableError, match="no answer"):
            place.push("main", place.second, place.first)
    assert repo.tip() == place.first


def test_a_branch_is_deleted_only_where_it_was_seen(place: Place) -> None:
    def delete(branch: str, expected: str) -> Pushed:
        return delete_branch(place.repository, place.spec, branch, expected, settings=place.settings)

    git(place.repo.git_dir, "update-ref", "refs/heads/other", place.second)
    assert delete("other", place.other) is Pushed.MOVED
    assert place.repo.tip("other") == place.second
    assert delete("other", place.second) is Pushed.DONE
    assert place.repo.tip("other") is None
    assert delete("other", place.second) is Pushed.MOVED
    for branch, expected in (("second", ""), ("second", place.second[:12]), ("../second", place.second)):
        with pytest.raises(UsageError):
            delete(branch, expected)
    assert place.repo.tip("second") == place.second


def test_a_branch_with_files_in_a_work_tree_is_not_deleted(tmp_path: Path, home: Path) -> None:
    settings = Settings(home=home)
    repo = RepoBuilder(tmp_path / "co", bare=False)
    first = repo.commit({"a": "1"})
    repo.checkout()
    repository = open_repository(str(repo.path), settings=settings)
    with pytest.raises(DeniedError, match="checked out"):
        delete_branch(repository, str(repo.path), "main", first, settings=settings)
    assert repo.tip() == first
