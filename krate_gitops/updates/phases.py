"""Which phase of an update may follow which: the steps that are on record are these and no others."""

from __future__ import annotations

from krate_gitops.errors import KrateError
from krate_gitops.updates.model import TERMINAL, Phase

_ENDED_UNSEEN = (Phase.REJECTED, Phase.SUPERSEDED, Phase.EXPIRED)
NEXT: dict[Phase, frozenset[Phase]] = {
    Phase.PENDING: frozenset((Phase.VALIDATING, *_ENDED_UNSEEN)),
    # Straight to Approved: the approvals that were given still hold on the new target.
    Phase.VALIDATING: frozenset(
        (
            Phase.MERGED,
            Phase.AWAITING_APPROVAL,
            Phase.CHANGES_REQUESTED,
            Phase.APPROVED,
            Phase.FAILED,
            Phase.VALIDATING,
            *_ENDED_UNSEEN,
        )
    ),
    # Straight to Merged, here and below: somebody merged it at the forge.
    Phase.AWAITING_APPROVAL: frozenset(
        (
            Phase.AWAITING_APPROVAL,
            Phase.APPROVED,
            Phase.CHANGES_REQUESTED,
            Phase.VALIDATING,
            Phase.MERGED,
            *_ENDED_UNSEEN,
        )
    ),
    Phase.CHANGES_REQUESTED: frozenset((Phase.CHANGES_REQUESTED, Phase.VALIDATING, Phase.MERGED, *_ENDED_UNSEEN)),
    # Back to the reviewers when merging finds another result, or one of them objects.
    Phase.APPROVED: frozenset(
        (
            Phase.APPROVED,
            Phase.MERGING,
            Phase.VALIDATING,
            Phase.AWAITING_APPROVAL,
            Phase.CHANGES_REQUESTED,
            Phase.MERGED,
            *_ENDED_UNSEEN,
        )
    ),
    # Back to Approved when the target takes no push.
    Phase.MERGING: frozenset((Phase.MERGING, Phase.MERGED, Phase.AWAITING_APPROVAL, Phase.APPROVED, Phase.FAILED)),
    **dict.fromkeys(TERMINAL, frozenset()),
}


def check_step(name: str, before: Phase, after: Phase) -> None:
    """Raises ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` for a step that no update takes."""
    if after not in NEXT[before]:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            f"{name} is {before} and can't become {after}",
            hint="`update show` says what it waits for",
            location=name,
        )
