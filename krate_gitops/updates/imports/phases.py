"""Which phase of an import may follow which: forward, but for a rerun, another revision, and less of it."""

from __future__ import annotations

from krate_gitops.errors import KrateError
from krate_gitops.updates.imports.model import ImportPhase

_ENDED = (ImportPhase.REJECTED, ImportPhase.FAILED)
_WORK = (
    ImportPhase.PENDING,
    ImportPhase.COLLECTING,
    ImportPhase.REDACTING,
    ImportPhase.NORMALIZING,
    ImportPhase.VALIDATING,
)
NEXT: dict[ImportPhase, frozenset[ImportPhase]] = {
    # What died at work begins again by collecting: nothing but the record was there.
    **{
        phase: frozenset((*_ENDED, ImportPhase.COLLECTING, ImportPhase.MERGED, *_WORK[at + 1 : at + 2]))
        for at, phase in enumerate(_WORK[:-1])
    },
    ImportPhase.VALIDATING: frozenset(
        (*_ENDED, ImportPhase.COLLECTING, ImportPhase.VALIDATING, ImportPhase.AWAITING_REVIEW, ImportPhase.MERGED)
    ),
    ImportPhase.AWAITING_REVIEW: frozenset(
        (
            *_ENDED,
            ImportPhase.COLLECTING,
            ImportPhase.VALIDATING,
            ImportPhase.AWAITING_REVIEW,
            ImportPhase.MERGED,
        )
    ),
    ImportPhase.MERGED: frozenset(),
    ImportPhase.REJECTED: frozenset(),
    ImportPhase.FAILED: frozenset((ImportPhase.COLLECTING,)),
}


def check_step(name: str, before: ImportPhase, after: ImportPhase) -> None:
    """Raises ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` for a step that no import takes."""
    if after not in NEXT[before]:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            f"{name} is {before} and can't become {after}",
            hint="`import show` says what it waits for",
            location=name,
        )
