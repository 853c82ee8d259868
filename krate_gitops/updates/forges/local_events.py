"""What is recorded about a pull request without a forge, and what follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from krate_gitops.git.command import run_git
from krate_gitops.git.local import Repository
from krate_gitops.git.push import descends
from krate_gitops.records.pull_requests import EventKind, EventRow
from krate_gitops.updates.forges.port import CheckState, PullState


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """Title, body and the rest as they were given; times are RFC 3339."""

    title: str
    body: str
    head: str
    labels: tuple[str, ...]
    reviewers: tuple[str, ...]
    at: str

    @staticmethod
    def same(one: str, other: str) -> bool:
        """Whether two of them, as JSON, differ in nothing but their time."""
        first, second = (msgspec.json.decode(text, type=Described) for text in (one, other))
        return msgspec.structs.replace(first, at=second.at) == second


class Commented(msgspec.Struct, frozen=True, kw_only=True):
    """A comment."""

    text: str
    at: str


class Closed(msgspec.Struct, frozen=True, kw_only=True):
    """Closed without merging, while it stood on ``head``."""

    head: str
    at: str


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """``commit`` brought ``head`` into the target branch."""

    commit: str
    head: str
    at: str


class Stated(msgspec.Struct, frozen=True, kw_only=True):
    """A status of a commit."""

    state: CheckState
    description: str
    at: str


class Story(NamedTuple):
    """What the records of a pull request come to. ``head`` is where it was last seen."""

    title: str
    body: str
    head: str
    state: PullState
    merge_commit: str | None

    @property
    def is_over(self) -> bool:
        """Whether it was closed or merged, as far as was recorded."""
        return self.state is not PullState.OPEN

    @property
    def is_merged(self) -> bool:
        """Whether a merge was recorded."""
        return self.state is PullState.MERGED


def fold(events: Sequence[EventRow]) -> Story:
    """The newest description, and how it ended. The first merge counts, and it counts more than a closing."""
    described = msgspec.json.decode(
        next(event.body for event in reversed(events) if event.kind is EventKind.DESCRIBED), type=Described
    )
    merged = next((event.body for event in events if event.kind is EventKind.MERGED), None)
    if merged is not None:
        merge = msgspec.json.decode(merged, type=Merged)
        return Story(described.title, described.body, merge.head, PullState.MERGED, merge.commit)
    closed = next((event.body for event in events if event.kind is EventKind.CLOSED), None)
    if closed is not None:
        head = msgspec.json.decode(closed, type=Closed).head
        return Story(described.title, described.body, head, PullState.CLOSED, None)
    return Story(described.title, described.body, described.head, PullState.OPEN, None)


def closing_merge(repository: Repository, target: str | None, head: str) -> str | None:
    """The commit of the target's first-parent history that brought ``head`` in; None while none did.

    It costs a walk from ``target`` back to where both parted, and a question for each halving of it.
    """
    if target is None or not _has(repository, head) or not descends(repository, target, head):
        return None
    walked = ["rev-list", "--first-parent", "--parents", f"^{head}", target]
    lines = [line.split() for line in run_git(repository.git_dir, walked).decode("ascii").splitlines()]
    if not lines or lines[-1][1:2] == [head]:
        return head  # a fast-forward
    with_it, without = 0, len(lines)
    while without - with_it > 1:
        middle = (with_it + without) // 2
        if descends(repository, lines[middle][0], head):
            with_it = middle
        else:
            without = middle
    return lines[with_it][0]


def _has(repository: Repository, commit: str) -> bool:
    answer = run_git(repository.git_dir, ["cat-file", "--batch-check=%(objecttype)"], stdin=f"{commit}\n".encode())
    return answer.strip() == b"commit"
