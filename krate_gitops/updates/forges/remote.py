"""What the forges behind a network have in common: the steps of the port, made of calls that each of them spells its
own way.
"""

from __future__ import annotations

import abc
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.request import check_ref_name
from krate_gitops.updates.forges.client import ForgeClient
from krate_gitops.updates.forges.port import (
    STATUS_CONTEXT,
    CheckState,
    ForgeReview,
    PullDraft,
    PullRequest,
    PullState,
)
from krate_gitops.updates.forges.ref import check_mergeable, check_own_branch, check_repository, conflict, pull_number
from krate_gitops.updates.forges.text import body_text, comment_text, description_text, digest_in, title_text

PAGE_SIZE = 50
"""What all of them give at most in one page by default."""
MOST_REVIEWERS = 15
DeleteBranch = Callable[[str, str], bool]
"""Deletes a branch by compare-and-swap: its name, the commit it must stand on; False where it moved or is gone."""


class Status(NamedTuple):
    """A status of a commit as its forge has it."""

    state: CheckState
    description: str


class Reviewers(NamedTuple):
    """Whom to ask: names of users, and of teams where the forge asks teams."""

    users: tuple[str, ...]
    teams: tuple[str, ...]


class RemoteForge(abc.ABC):
    """One repository at a forge. ``repository`` is ``owner/name``.

    ``delete`` deletes branches by compare-and-swap, which no forge's interface can: give one that pushes a deletion
    with a lease where git may push. Without it a branch is looked at and then deleted, and a push that comes between
    the two is lost.
    """

    def __init__(self, client: ForgeClient, repository: str, *, delete: DeleteBranch | None = None) -> None:
        self.repository = check_repository(repository)
        self._client = client
        self._delete = delete

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._client.endpoint.url!r}, {self.repository!r})"

    # The port

    def open(self, draft: PullDraft) -> PullRequest:
        """See the port."""
        check_ref_name(draft.branch)
        check_ref_name(draft.target)
        found = self.find(draft.branch, draft.target)
        if found is None:
            try:
                found = self._create(draft, title_text(draft.title), body_text(draft.body, draft.digest))
            except KrateError as error:
                # Somebody else opened it just now, or the answer to our own call got lost.
                again = self.find(draft.branch, draft.target) if _may_be_open(error) else None
                if again is None:
                    raise
                found = again
            else:
                self._decorate(found.number, draft)
                return found
        return self.update(found.ref, draft)

    def find(self, branch: str, target: str) -> PullRequest | None:
        """See the port. One with our trailer comes before one that somebody opened by hand."""
        check_ref_name(branch)
        check_ref_name(target)
        first: PullRequest | None = None
        for pull in self._open_pulls(branch, target):
            if (pull.branch, pull.target, pull.state) != (branch, target, PullState.OPEN):
                continue
            if digest_in(pull.body) is not None:
                return pull
            first = first or pull
        return first

    def read(self, ref: str) -> PullRequest:
        """See the port."""
        return self._read(pull_number(ref, self.repository))

    def update(self, ref: str, draft: PullDraft) -> PullRequest:
        """See the port. Where nothing differs, nothing is sent."""
        number = pull_number(ref, self.repository)
        title, body = title_text(draft.title), body_text(draft.body, draft.digest)
        pull = self._read(number)
        if pull.state is not PullState.OPEN:
            raise conflict(f"{ref} is {pull.state} and stays as it is", pull)
        if (pull.title, pull.body.replace("\r\n", "\n").rstrip()) != (title, body.rstrip()):
            pull = self._edit(number, title, body)
        self._decorate(number, draft)
        return pull

    def comment(self, ref: str, text: str) -> None:
        """See the port."""
        self._comment(pull_number(ref, self.repository), comment_text(text))

    def set_status(self, commit: str, state: CheckState, *, description: str, context: str = STATUS_CONTEXT) -> None:
        """See the port."""
        words = description_text(description)
        if self._newest_status(commit, context) != Status(state, words):
            self._post_status(commit, state, words, context)

    def status(self, commit: str, *, context: str = STATUS_CONTEXT) -> CheckState | None:
        """See the port. What a forge calls error, warning or cancelled is a failure."""
        found = self._newest_status(commit, context)
        return found.state if found else None

    def reviews(self, ref: str) -> tuple[ForgeReview, ...]:
        """See the port."""
        return tuple(self._reviews(pull_number(ref, self.repository)))

    def merge(self, ref: str, *, expected_head: str, message: str, expected_target: str | None = None) -> str:
        """See the port. One that is merged with that head already gives its merge commit."""
        number = pull_number(ref, self.repository)
        pull = self._read(number)
        if check_mergeable(pull, expected_head):
            if expected_target is not None and self._branch_tip(pull.target) != expected_target:
                raise conflict(f"{pull.target} doesn't stand on {expected_target[:12]} any more", pull)
            title, _, rest = message.partition("\n")
            try:
                told = self._merge(number, expected_head, title.strip(), rest.strip())
            except UnavailableError:
                # It isn't known whether it was merged: look before saying so.
                pull = self._read(number)
                if pull.state is not PullState.MERGED:
                    raise
            else:
                if told is not None:
                    return told
                pull = self._read(number)
            check_mergeable(pull, expected_head)
        if pull.merge_commit is None:
            raise UnavailableError(
                "FORGE_UNAVAILABLE",
                f"{ref} isn't merged yet, or its merge commit isn't known yet",
                hint="the same again is safe",
            )
        return pull.merge_commit

    def close(self, ref: str, *, comment: str = "") -> None:
        """See the port."""
        number = pull_number(ref, self.repository)
        if self._read(number).state is PullState.OPEN:
            if comment:
                self._comment(number, comment_text(comment))
            self._close(number)

    def delete_branch(self, branch: str, *, expected_head: str) -> bool:
        """See the port."""
        check_own_branch(branch)
        if self._delete is not None:
            return self._delete(branch, expected_head)
        if self._branch_tip(branch) != expected_head:
            return False
        try:
            self._delete_branch(branch)
        except UnavailableError as error:
            if error.code == "FORGE_NOT_FOUND":
                return False
            raise
        return True

    # Labels and reviewers

    def _decorate(self, number: int, draft: PullDraft) -> None:
        """Labels, and as many of the reviewers as the forge takes.

        A pull request is not refused for a reviewer who left, who opened it, or whom the forge doesn't know.
        """
        self._label(number, draft.labels)
        wanted = reviewers_of(draft.reviewers)
        if not wanted.users and not wanted.teams:
            return
        try:
            self._request(number, wanted)
        except KrateError as error:
            if error.code not in ("FORGE_CONFLICT", "FORGE_NOT_FOUND"):
                raise
            for one in one_by_one(wanted):
                self._try_request(number, one)

    def _try_request(self, number: int, one: Reviewers) -> None:
        try:
            self._request(number, one)
        except KrateError as error:
            if error.code not in ("FORGE_CONFLICT", "FORGE_NOT_FOUND"):
                raise

    def _tip_of(self, path: str, read: Callable[[str], str]) -> str | None:
        """The commit that a branch stands on, or None for one that isn't there."""
        try:
            return read(path)
        except UnavailableError as error:
            if error.code == "FORGE_NOT_FOUND":
                return None
            raise

    # What each forge spells its own way

    @abc.abstractmethod
    def _open_pulls(self, branch: str, target: str) -> Iterator[PullRequest]:
        """Open pull requests from this repository, as narrowed down as the forge can."""

    @abc.abstractmethod
    def _create(self, draft: PullDraft, title: str, body: str) -> PullRequest: ...

    @abc.abstractmethod
    def _read(self, number: int) -> PullRequest: ...

    @abc.abstractmethod
    def _edit(self, number: int, title: str, body: str) -> PullRequest: ...

    @abc.abstractmethod
    def _label(self, number: int, labels: Sequence[str]) -> None: ...

    @abc.abstractmethod
    def _request(self, number: int, reviewers: Reviewers) -> None: ...

    @abc.abstractmethod
    def _comment(self, number: int, text: str) -> None: ...

    @abc.abstractmethod
    def _newest_status(self, commit: str, context: str) -> Status | None: ...

    @abc.abstractmethod
    def _post_status(self, commit: str, state: CheckState, description: str, context: str) -> None: ...

    @abc.abstractmethod
    def _reviews(self, number: int) -> list[ForgeReview]:
        """Oldest first."""

    @abc.abstractmethod
    def _merge(self, number: int, head: str, title: str, message: str) -> str | None:
        """Merges by a merge commit while the head is ``head``; that commit, where the forge tells it at once."""

    @abc.abstractmethod
    def _close(self, number: int) -> None: ...

    @abc.abstractmethod
    def _branch_tip(self, branch: str) -> str | None: ...

    @abc.abstractmethod
    def _delete_branch(self, branch: str) -> None: ...


def reviewers_of(names: Sequence[str]) -> Reviewers:
    """Owners as records name them, ``user:NAME`` and ``team:NAME``; a bare name is a user's."""
    users: dict[str, None] = {}
    teams: dict[str, None] = {}
    for name in names:
        kind, _, rest = name.rpartition(":")
        into = teams if kind == "team" else users
        if rest.strip() and kind in ("", "user", "team"):
            into[rest.strip()] = None
    return Reviewers(tuple(users)[:MOST_REVIEWERS], tuple(teams)[:MOST_REVIEWERS])


def one_by_one(wanted: Reviewers) -> list[Reviewers]:
    """The same reviewers, each alone."""
    return [Reviewers((user,), ()) for user in wanted.users] + [Reviewers((), (team,)) for team in wanted.teams]


def _may_be_open(error: KrateError) -> bool:
    return not isinstance(error, DeniedError) and error.code in ("FORGE_CONFLICT", "FORGE_UNAVAILABLE")
