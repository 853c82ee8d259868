"""Commits as stored, and the commits that touched a path."""

from __future__ import annotations

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.history import log_path, parse_commit, read_commit
from krate_gitops.git.local import find_repository
from krate_gitops.git.objects import ObjectReader
from tests.repos import RepoBuilder

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
OID = "ab" * 20


def test_a_commit_keeps_author_and_committer_times_apart(repo: RepoBuilder) -> None:
    first = repo.commit({"a.md": "1"})
    oid = repo.commit(
        {"a.md": "2"},
        at=2_000,
        author_at=1_000,
        timezone="+1400",
        message="Say what\n\nand why",
        author="Ü <u@example.com>",
    )
    with ObjectReader(find_repository(repo.path)) as reader:
        commit = read_commit(reader, oid)
    assert (commit.author_time, commit.committer_time) == (1_000, 2_000)
    assert commit.parents == (first,)
    assert (commit.author, commit.summary) == ("Ü <u@example.com>", "Say what")


def test_unknown_headers_signatures_and_encodings_are_passed_over() -> None:
    data = (
        f"tree {TREE}\nparent {OID}\nauthor X <x@example.com> 5 +0000\ncommitter X <x@example.com> 6 +0000\n"
        f"parent {'cd' * 20}\nencoding ISO-8859-1\ngpgsig -----BEGIN\n parent {'ef' * 20}\n tree x\nfuture yes\n\n"
    ).encode() + b"caf\xe9\n"
    commit = parse_commit(OID, data)
    assert commit.parents == (OID,)
    assert commit.summary == "café"
    assert parse_commit(OID, data.replace(b"ISO-8859-1", b"no-such-thing")).summary == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("line", "time"),
    [
        ("A <a@example.com> 17 +0000", 17),
        ("A <a@example.com> -17 +0000", 0),
        ("A <a@example.com> 99999999999999999999999 +0000", 0),
        ("A <a@example.com> soon", 0),
        ("A <a@example.com>", 0),
        ("nobody", 0),
        ("", 0),
    ],
)
def test_unreadable_times_count_as_zero(line: str, time: int) -> None:
    assert parse_commit(OID, f"tree {TREE}\nauthor {line}\ncommitter {line}\n\nx".encode()).committer_time == time


@pytest.mark.parametrize("data", [b"", b"tree short\n\nx", b"\0\xff"])
def test_a_damaged_commit_is_an_error(data: bytes) -> None:
    with pytest.raises(UnavailableError):
        parse_commit(OID, data)


def test_what_is_no_commit_is_an_error(repo: RepoBuilder) -> None:
    blob = repo.blob("text")
    with (
        ObjectReader(find_repository(repo.path)) as reader,
        pytest.raises(UnavailableError, match="a blob, not a commit"),
    ):
        read_commit(reader, blob)


def test_the_log_of_a_path_follows_first_parents_and_takes_names_literally(repo: RepoBuilder) -> None:
    first = repo.commit({"a.md": "1", "notes/b.md": "1", ":(top)*": "1"})
    side = repo.commit({"a.md": "side"}, branch="side", parents=[first])
    repo.commit({"notes/b.md": "2"})
    merge = repo.merge(side)
    last = repo.commit({"a.md": None})
    with ObjectReader(find_repository(repo.path)) as reader:
        assert [commit.oid for commit in log_path(reader, last, ["a.md"])] == [last, merge, first]
        assert [commit.oid for commit in log_path(reader, merge, ["a.md"])] == [merge, first]
        assert len(log_path(reader, last, ["notes"])) == 2
        assert [commit.oid for commit in log_path(reader, last, [":(top)*"])] == [first]
        assert log_path(reader, last, ["absent", "--all"]) == []
        with pytest.raises(ValueError, match="object id"):
            log_path(reader, "main", ["a.md"])
