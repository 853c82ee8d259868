"""The one reader: order, limits, and streams that tear."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from krate_gitops.errors import UnavailableError
from krate_gitops.git.local import find_repository
from krate_gitops.git.objects import GitObject, ObjectReader
from tests.repos import FILE, RepoBuilder, git


def reader_of(repo: RepoBuilder, *, stall_seconds: float = 30) -> ObjectReader:
    return ObjectReader(find_repository(repo.path), stall_seconds=stall_seconds)


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
@pytest.mark.parametrize("packed", [False, True])
def test_objects_come_whole_and_in_the_order_asked_for(tmp_path: Path, object_format: str, packed: bool) -> None:
    repo = RepoBuilder(tmp_path / "brain", object_format=object_format)
    contents = [b"", b"\n", b"\0" * 70_000, b"a\r\nb", *(b"%d\n" % number * 50 for number in range(3_000))]
    repo.commit({f"{number}.md": content for number, content in enumerate(contents)})
    oids = [repo.blob(content) for content in contents]
    if packed:
        repo.repack()
    oids += oids[:5]
    with reader_of(repo) as reader:
        read = list(reader.stream(oids))
        assert [(oid, kind, size, data) for oid, kind, size, data in read] == [
            (oid, "blob", len(data), data) for oid, data in zip(oids, contents + contents[:5], strict=True)
        ]
        assert reader.sizes(oids) == [len(data) for data in contents + contents[:5]]


def test_large_objects_are_announced_and_not_loaded(repo: RepoBuilder) -> None:
    small, large = repo.blob("small"), repo.blob("x" * 200_000)
    with reader_of(repo) as reader:
        assert list(reader.stream([large, small, large], max_bytes=100)) == [
            (large, "blob", 200_000, None),
            (small, "blob", 5, b"small"),
            (large, "blob", 200_000, None),
        ]
        each = list(reader.stream([large, small], max_bytes=[200_000, 4], sizes=[200_000, 5]))
        assert [data is None for *_, data in each] == [False, True]


def test_commits_trees_and_tags_are_read_like_blobs(repo: RepoBuilder) -> None:
    commit = repo.commit({"a.md": "text"})
    tag = repo.tag("v1", commit, message="first")
    with reader_of(repo) as reader:
        assert reader.read(commit).kind == "commit"
        assert reader.read(tag).data.startswith(f"object {commit}\n".encode())
        assert reader.read(repo.blob("text")) == GitObject("blob", b"text")
        assert reader.header(tag) == ("tag", len(reader.read(tag).data))


def test_a_missing_object_is_named_and_the_reader_goes_on(repo: RepoBuilder) -> None:
    blob, absent = repo.blob("text"), "ab" * 20
    with reader_of(repo) as reader:
        assert reader.header(absent) is None
        for attempt in (
            lambda: reader.read(absent),
            lambda: list(reader.stream([blob, absent, blob])),
            lambda: reader.sizes([blob, absent]),
        ):
            with pytest.raises(UnavailableError, match=absent) as caught:
                attempt()
            assert caught.value.code == "MEMORY_REPOSITORY_UNAVAILABLE"
            assert reader.read(blob).data == b"text"


@pytest.mark.parametrize("text", ["HEAD", "main", "ab" * 19, "ab" * 20 + "\n", "AB" * 20, "--all", ""])
def test_only_full_object_ids_are_sent(repo: RepoBuilder, text: str) -> None:
    repo.commit({"a.md": "text"})
    with reader_of(repo) as reader, pytest.raises(ValueError, match="object id"):
        reader.read(text)


def test_a_stream_left_early_does_not_disturb_the_next(repo: RepoBuilder) -> None:
    oids = [repo.blob(f"{number}" * 500) for number in range(2_500)]
    with reader_of(repo) as reader:
        for oid, *_ in reader.stream(oids):
            if oid == oids[3]:
                break
        assert reader.read(oids[7]).data == b"7" * 500


def test_two_streams_of_one_reader_at_once_are_a_mistake(repo: RepoBuilder) -> None:
    oids = [repo.blob("a"), repo.blob("b")]
    with reader_of(repo) as reader:
        stream = reader.stream(oids)
        next(stream)
        with pytest.raises(RuntimeError, match="another stream"):
            reader.read(oids[0])
        assert next(stream)[3] == b"b"


def test_replace_refs_do_not_change_what_is_read(repo: RepoBuilder) -> None:
    honest, forged = repo.blob("honest"), repo.blob("forged")
    git(repo.git_dir, "replace", honest, forged)
    assert git(repo.git_dir, "cat-file", "blob", honest) == b"forged"
    with reader_of(repo) as reader:
        assert reader.read(honest).data == b"honest"


def test_a_damaged_object_is_an_error(repo: RepoBuilder) -> None:
    oid = repo.blob("text " * 100)
    path = repo.git_dir / "objects" / oid[:2] / oid[2:]
    path.write_bytes(path.read_bytes()[:20])
    with reader_of(repo) as reader, pytest.raises(UnavailableError, match="stopped serving"):
        reader.read(oid)


def test_an_object_that_never_ends_is_given_up(repo: RepoBuilder) -> None:
    path = repo.git_dir / "objects" / "ab" / ("cd" * 19)
    path.parent.mkdir()
    os.mkfifo(path)
    with reader_of(repo, stall_seconds=0.2) as reader, pytest.raises(UnavailableError, match=r"within 0\.2 seconds"):
        reader.read("ab" + "cd" * 19)


def fake_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("printf ''", "ended early"),
        ("printf 'OID blob 1'", "ended early"),
        ("printf 'OID blob 10\\nabc'", "ended early"),
        ("printf 'OID blob 2\\nabcdef\\n'", "longer than announced"),
        ("printf '%040d blob 1\\na\\n' 0", "no answer for"),
        ("printf 'OID blob -1\\na\\n'", "no answer for"),
        ("printf 'OID blob\\na\\n'", "no answer for"),
        ("printf 'OID ambiguous\\n'", "no answer for"),
        ("echo broken disk >&2", "broken disk"),
    ],
)
def test_torn_output_is_never_taken_for_content(
    repo: RepoBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, said: str
) -> None:
    oid = repo.blob("a")
    reader = reader_of(repo)
    fake_git(tmp_path, monkeypatch, f"head -n 2 >/dev/null; {answer.replace('OID', oid)}")
    with reader, pytest.raises(UnavailableError, match=said):
        reader.read(oid)


def test_requests_and_answers_larger_than_every_pipe_do_not_block(repo: RepoBuilder) -> None:
    oids = [repo.blob(f"{number} " * 60_000) for number in range(20)]
    wanted = oids * 150
    with reader_of(repo, stall_seconds=20) as reader:
        assert sum(1 for _ in reader.stream(wanted, max_bytes=1)) == len(wanted)
        assert sum(size for _, _, size, _ in reader.stream(oids * 3)) == 3 * sum(reader.sizes(oids))


def test_a_partial_clone_says_that_objects_are_missing(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit({"a.md": "text"})
    git(repo.git_dir, "config", "uploadpack.allowFilter", "true")
    clone = tmp_path / "clone.git"
    git(None, "clone", "-q", "--bare", "--filter=blob:none", f"file://{repo.path}", str(clone))
    repository = find_repository(clone)
    assert repository.is_partial
    with ObjectReader(repository) as reader, pytest.raises(UnavailableError, match=r"object|serving") as caught:
        reader.read(repo.blob("text"))
    assert "partial clone" in caught.value.hint


def test_objects_of_an_alternate_are_read(repo: RepoBuilder, tmp_path: Path) -> None:
    repo.commit({"a.md": "text"})
    clone = tmp_path / "clone.git"
    git(None, "clone", "-q", "--bare", "--shared", str(repo.path), str(clone))
    with ObjectReader(find_repository(clone)) as reader:
        assert reader.read(repo.blob("text")).data == b"text"


def test_a_tree_is_served_raw_even_where_git_refuses_to_list_it(repo: RepoBuilder) -> None:
    oid = repo.raw_tree([(FILE, "", repo.blob("a"))])
    with reader_of(repo) as reader:
        assert reader.read(oid).kind == "tree"
