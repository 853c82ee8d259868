"""What updates need of a forge: a pull request for a branch, a status of a commit, the reviews, and a pinned merge.

Every implementation normalises what its forge says to these words, and lets nothing but this project's errors out:
``UnavailableError(FORGE_UNAVAILABLE)`` for what may pass by itself, ``UnavailableError(RATE_LIMITED)`` for too many
calls, ``UnavailableError(FORGE_NOT_FOUND)``, ``DeniedError(FORGE_DENIED)`` for missing rights and expired tokens, and
``KrateError(FORGE_CONFLICT)`` where the pull request isn't as expected any more. Where Git itself moves branches, its
``PUSH_REFUSED``, ``KR701`` and ``KR705`` come too. No message of theirs holds a token.
"""

from __future__ import annotations

import enum
from typing import Protocol

import msgspec

STATUS_CONTEXT = "krate/memory-validation"
LABEL = "krate-memory"


class CheckState(enum.StrEnum):
    """State of a commit's status."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class PullState(enum.StrEnum):
    """State of a pull request."""

    OPEN = "open"
    MERGED = "merged"
    CLOSED = "closed"


class PullDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a pull request is made of. ``branch`` and ``target`` are short names, ``head`` is the branch's commit.

    ``digest`` is the diff digest of the update; it stands in the body as a trailer ``Krate-Diff-Digest:``, and with the
    branch tells the pull request from any other.
    """

    branch: str
    target: str
    head: str
    title: str
    body: str
    digest: str
    labels: tuple[str, ...] = (LABEL,)
    reviewers: tuple[str, ...] = ()


class PullRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A pull request as its forge has it now. ``ref`` is ``owner/name/number``."""

    ref: str
    number: int
    state: PullState
    branch: str
    target: str
    head: str
    title: str = ""
    body: str = ""
    url: str | None = None
    merge_commit: str | None = None


class ReviewState(enum.StrEnum):
    """What a reviewer said at the forge."""

    APPROVED = "approved"
    CHANGES_REQUESTED = "changes-requested"
    COMMENTED = "commented"
    DISMISSED = "dismissed"


class ForgeReview(msgspec.Struct, frozen=True, kw_only=True):
    """A review. ``commit`` is what it was given for, where the forge tells; ``at`` is RFC 3339."""

    actor: str
    state: ReviewState
    commit: str | None
    at: str
    comment: str = ""


class Forge(Protocol):
    """One repository at a forge."""

    def open(self, draft: PullDraft) -> PullRequest:
        """Opens a pull request, or brings the open one for the same branch and target up to date: repeating is safe."""

    def find(self, branch: str, target: str) -> PullRequest | None:
        """The open pull request for a branch; None where there is none."""

    def read(self, ref: str) -> PullRequest:
        """The pull request as it is now."""

    def update(self, ref: str, draft: PullDraft) -> PullRequest:
        """Gives it another title, body, labels and reviewers."""

    def comment(self, ref: str, text: str) -> None:
        """Adds a comment."""

    def set_status(self, commit: str, state: CheckState, *, description: str, context: str = STATUS_CONTEXT) -> None:
        """Sets the status of a commit; the same again changes nothing."""

    def status(self, commit: str, *, context: str = STATUS_CONTEXT) -> CheckState | None:
        """The newest status of a commit in a context."""

    def reviews(self, ref: str) -> tuple[ForgeReview, ...]:
        """All reviews, oldest first, whatever pages they come on."""

    def merge(self, ref: str, *, expected_head: str, message: str, expected_target: str | None = None) -> str:
        """Merges by one merge commit, only while the head is ``expected_head``; the merge commit's id.

        ``expected_target`` is the commit that the target branch must stand on. Without a forge it is held to by
        compare-and-swap; a forge can only be asked for it just before, so that whoever relies on it looks at the first
        parent of the merge commit afterwards. The same again after a success gives the same commit.

        Raises ``KrateError(FORGE_CONFLICT)`` when head or target moved, or the forge can't or mustn't merge.
        """

    def close(self, ref: str, *, comment: str = "") -> None:
        """Closes it without merging; one that is closed or merged already stays as it is."""

    def delete_branch(self, branch: str, *, expected_head: str) -> bool:
        """Deletes a branch that still stands at a commit; False where it moved or is gone."""
