"""Commits, one by one and along a path."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import msgspec

from krate_gitops.errors import UnavailableError
from krate_gitops.git.command import run_git
from krate_gitops.git.objects import ObjectReader

_LATEST_TIME = 2**63 - 1
_SUMMARY_BYTES = 500


class Commit(msgspec.Struct, frozen=True, rename="camel"):
    """A commit as stored. ``author`` is ``Name <address>``; ``summary`` is the first line of the message.

    Times are seconds since 1970; see ``plain_time`` for unreadable ones.
    """

    oid: str
    tree: str
    parents: tuple[str, ...]
    author: str
    author_time: int
    committer_time: int
    summary: str


def plain_time(seconds: int) -> int:
    """A commit's time as it counts. Git's releases read negative and absurd dates differently; here they are all 0."""
    return seconds if 0 <= seconds < _LATEST_TIME else 0


def read_commit(reader: ObjectReader, oid: str) -> Commit:
    """The commit with this id. Raises ``UnavailableError(MEMORY_REPOSITORY_UNAVAILABLE)`` when it is none."""
    found = reader.read(oid)
    if found.kind != "commit":
        raise UnavailableError("MEMORY_REPOSITORY_UNAVAILABLE", f"object {oid} is a {found.kind}, not a commit")
    return parse_commit(oid, found.data)


def parse_commit(oid: str, data: bytes) -> Commit:
    """A commit from the bytes of its object; headers that aren't needed are passed over."""
    head, _, message = data.partition(b"\n\n")
    lines = head.split(b"\n")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b" ")
        headers.setdefault(name, value)
    tree = headers.get(b"tree", b"").decode("ascii", "replace")
    if len(tree) != len(oid):
        raise UnavailableError("MEMORY_REPOSITORY_UNAVAILABLE", f"commit {oid} is damaged", hint="run `git fsck`")
    # Git takes parents only directly below the tree; a later line of that name is text.
    parents = itertools.takewhile(lambda line: line.startswith(b"parent "), lines[1:])
    author, encoding = headers.get(b"author", b""), headers.get(b"encoding", b"utf-8").decode("ascii", "replace")
    return Commit(
        oid=oid,
        tree=tree,
        parents=tuple(line[7:].decode("ascii", "replace") for line in parents),
        author=_decode(author.rpartition(b">")[0] + b">", encoding),
        author_time=_time(author),
        committer_time=_time(headers.get(b"committer", b"")),
        summary=_decode(message.lstrip(b"\n").partition(b"\n")[0][:_SUMMARY_BYTES], encoding),
    )


def log_path(reader: ObjectReader, commit: str, paths: Sequence[str], *, limit: int | None = None) -> list[Commit]:
    """First-parent commits up to ``commit`` that changed one of ``paths`` (files or folders), newest first.

    Paths are those of the repository, taken literally. At most ``limit`` commits, if there is one.
    """
    if not reader.repository.is_object_id(commit):
        raise ValueError("not a full object id")
    most = [] if limit is None else [f"--max-count={limit}"]
    # A path beside `--` is no option, and the environment switches pathspec magic off.
    output = run_git(reader.repository.git_dir, ["rev-list", "--first-parent", *most, commit, "--", *paths])
    listed = output.decode("ascii").split()
    return [parse_commit(oid, data) for oid, _, _, data in reader.stream(listed) if data is not None]


def _time(line: bytes) -> int:
    words = line.rpartition(b">")[2].split()
    return plain_time(int(words[0])) if words and words[0].isdigit() and len(words[0]) < 20 else 0


def _decode(text: bytes, encoding: str) -> str:
    try:
        return text.decode(encoding, "replace")
    except LookupError:
        return text.decode("utf-8", "replace")
