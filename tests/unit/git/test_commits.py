"""Commits written without a work tree are what git would have made."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from krate_gitops.errors import KrateError, UnavailableError, UsageError
from krate_gitops.git.commits import build_commit, init_repository, write_commit
from krate_gitops.git.history import read_commit
from krate_gitops.git.local import Repository, find_repository
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.trees import list_tree
from tests.repos import EXECUTABLE, FILE, SYMLINK, Content, RepoBuilder, git

AT = datetime(2026, 5, 1, 10, 30, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))


def write(
    repository: Repository,
    files: dict[str, bytes | None],
    parents: list[str],
    *,
    branch: str = "main",
    message: str = "m",
) -> str:
    return write_commit(
        repository.git_dir, files, parents=parents, message=message, author="Ü <u@example.com>", time=AT, branch=branch
    )


def content(repository: Repository, commit: str) -> dict[str, tuple[int, bytes]]:
    with ObjectReader(repository) as reader:
        return {entry.path: (entry.mode, reader.read(entry.oid).data) for entry in list_tree(reader, commit).entries}


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("bare", [False, True])
def test_a_new_repository_gets_its_first_commits(tmp_path: Path, object_format: str, bare: bool) -> None:
    repository = init_repository(tmp_path / "brain", bare=bare, default_branch="trunk", object_format=object_format)
    first = write(repository, {"a/b.md": b"b\r\n", "a.md": b"\xff", "empty": b""}, [], branch="trunk")
    second = write(repository, {"a/c/d.md": b"d", "a.md": None}, [first], branch="trunk", message="Second\n")
    assert content(repository, second) == {"a/b.md": (FILE, b"b\r\n"), "a/c/d.md": (FILE, b"d"), "empty": (FILE, b"")}
    assert git(repository.git_dir, "rev-parse", "HEAD").decode().strip() == second
    assert git(repository.git_dir, "fsck", "--strict", "--no-dangling") == b""
    shown = git(repository.git_dir, "log", "-1", "--format=%an|%ae|%cn|%ad|%cd|%B", "--date=iso-strict").decode()
    assert shown.strip() == "Ü|u@example.com|Ü|2026-05-01T10:30:00-03:30|2026-05-01T10:30:00-03:30|Second"
    with ObjectReader(repository) as reader:
        assert read_commit(reader, second).parents == (first,)


def test_a_repository_is_not_initialised_over_another(tmp_path: Path) -> None:
    init_repository(tmp_path / "brain", bare=True, default_branch="main")
    with pytest.raises(UsageError, match="already"):
        init_repository(tmp_path / "brain", bare=True, default_branch="main")
    with pytest.raises(UsageError):
        init_repository(tmp_path / "other", bare=True, default_branch="-x")


def test_what_is_not_named_stays_as_it_was(repo: RepoBuilder) -> None:
    tip = repo.commit({"run.sh": (EXECUTABLE, "1"), "link": (SYMLINK, "x"), "deep/er/a": "a", "b": "b", "turn": "file"})
    repository = find_repository(repo.path)
    changed = write(repository, {"run.sh": b"2", "deep/er/a": None, "turn": None, "turn/in": b"i", "link": b"f"}, [tip])
    assert content(repository, changed) == {
        "b": (FILE, b"b"),
        "link": (FILE, b"f"),
        "run.sh": (EXECUTABLE, b"2"),
        "turn/in": (FILE, b"i"),
    }
    emptied = write(repository, dict.fromkeys(["b", "link", "run.sh", "turn/in"]), [changed])
    assert content(repository, emptied) == {}


def test_merges_and_new_branches(repo: RepoBuilder) -> None:
    tip = repo.commit({"a": "1"})
    repository = find_repository(repo.path)
    side = write(repository, {"b": b"2"}, [tip], branch="updates/one")
    assert repo.tip("updates/one") == side
    merge = write(repository, {"b": b"2"}, [tip, side])
    assert git(repo.git_dir, "rev-parse", "main^1", "main^2").decode().split() == [tip, side]
    assert repo.tip() == merge


def test_a_branch_that_moved_is_not_overwritten(repo: RepoBuilder) -> None:
    first = repo.commit({"a": "1"})
    repo.repack()
    second = repo.commit({"a": "2"})
    repository = find_repository(repo.path)
    for parents in ([first], []):
        with pytest.raises(KrateError) as caught:
            write(repository, {"a": b"3"}, parents)
        assert caught.value.code == "MEMORY_REF_STALE"
    assert repo.tip() == second


def test_of_many_writers_at_once_one_wins(repo: RepoBuilder) -> None:
    tip = repo.commit({"a": "1"})
    repository = find_repository(repo.path)
    won: list[str] = []
    lost: list[str] = []

    def attempt(number: int) -> None:
        try:
            won.append(write(repository, {"a": b"%d" % number}, [tip]))
        except KrateError as error:
            lost.append(error.code)

    threads = [threading.Thread(target=attempt, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [repo.tip()]
    assert lost == ["MEMORY_REF_STALE"] * 7


@pytest.mark.parametrize(
    "files",
    [
        {"../a": b""}, {"/a": b""}, {"": b""}, {"a//b": b""}, {".git/config": b""}, {"a/.GIT": b""}, {"a\\b": b""},
        {"a\n": b""}, {"a\ud800": b""}, {"a.": b""}, {"x": b"", "x/y": b""}, {"absent": None}, {"absent/a": None},
    ],
)  # fmt: skip
def test_paths_that_may_not_be_written_change_nothing(repo: RepoBuilder, files: dict[str, bytes | None]) -> None:
    tip = repo.commit({"a": "1"})
    with pytest.raises(UsageError) as caught:
        write(find_repository(repo.path), files, [tip])
    assert caught.value.code == "INVALID_REQUEST"
    assert repo.tip() == tip


def test_an_unknown_parent_is_an_error(repo: RepoBuilder) -> None:
    with pytest.raises(UnavailableError):
        write(find_repository(repo.path), {"a": b""}, ["ab" * 20])


def test_no_hook_runs_on_a_commit(repo: RepoBuilder, tmp_path: Path) -> None:
    tip, trace = repo.commit({"a": "1"}), tmp_path / "ran"
    hooks = repo.git_dir / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("pre-commit", "post-commit", "commit-msg", "reference-transaction", "update"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {trace}\n")
        (hooks / name).chmod(0o755)
    write(find_repository(repo.path), {"a": b"2"}, [tip])
    assert not trace.exists()


def test_a_lock_that_a_killed_writer_left_on_an_object_is_in_nobodys_way(repo: RepoBuilder) -> None:
    first = repo.commit({"a": "a"})
    blob = git(repo.git_dir, "hash-object", "--stdin", stdin=b"new").decode().strip()
    lock = repo.git_dir / "objects" / blob[:2] / f"{blob[2:]}.lock"
    lock.parent.mkdir(exist_ok=True)
    lock.write_bytes(b"half")
    repository = find_repository(repo.git_dir)
    commit = write(repository, {"b": b"new"}, [first])
    assert content(repository, commit)["b"] == (FILE, b"new")
    assert git(repo.git_dir, "fsck", "--strict", "--no-dangling") == b""


def test_a_commit_has_another_committer_and_several_parents_and_moves_nothing(repo: RepoBuilder) -> None:
    first = repo.commit({"a": "a"})
    other = repo.commit({"o": "o"}, branch="other", parents=[])
    oid = build_commit(
        repo.git_dir,
        {"b": b"b"},
        base=first,
        parents=[other, first],
        message="m",
        author="A <a@b>",
        committer="C <c@d>",
        time=AT,
    )
    assert repo.tip() == first
    assert content(find_repository(repo.git_dir), oid) == {"a": (FILE, b"a"), "b": (FILE, b"b")}
    shown = git(repo.git_dir, "log", "-1", "--format=%an|%cn|%P", oid).decode().strip()
    assert shown == f"A|C|{other} {first}"


@pytest.mark.parametrize(
    ("files", "path", "why"),
    [
        ({"a": (SYMLINK, "b")}, "a", "no plain file"),
        ({"a": (SYMLINK, "b")}, "a/c", "no folder"),
        ({"a": "x"}, "a/c", "no folder"),
        ({"a/b": "x"}, "a", "no plain file"),
    ],
)
def test_only_files_are_replaced_where_that_is_asked_for(
    repo: RepoBuilder, files: dict[str, Content], path: str, why: str
) -> None:
    first = repo.commit(files)
    with pytest.raises(UsageError, match=why):
        build_commit(
            repo.git_dir,
            {path: b"b"},
            base=first,
            parents=[first],
            message="m",
            author="A <a@b>",
            committer="A <a@b>",
            time=AT,
            only_files=True,
        )
