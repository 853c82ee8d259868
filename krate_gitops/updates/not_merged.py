"""Why an update isn't merged, in the words of the errors that say so."""

from __future__ import annotations

from krate_gitops.errors import KrateError
from krate_gitops.updates.model import AgentMemoryUpdate
from krate_gitops.updates.validation import Checked


def moved(update: AgentMemoryUpdate) -> KrateError:
    """Of an update whose branch or request is another one than was reviewed."""
    return KrateError(
        "MEMORY_UPDATE_STALE_APPROVAL",
        f"branch or request of {update.name} isn't as its reviewers saw it",
        hint="`update refresh` looks at it again",
        location=update.name,
    )


def not_approved(update: AgentMemoryUpdate) -> KrateError:
    """Of one that still waits, and what for."""
    condition = update.condition("Approved")
    waits = f": {condition.message}" if condition is not None and condition.message else ""
    return KrateError(
        "MEMORY_UPDATE_NOT_APPROVED",
        f"{update.name} is {update.phase}{waits}",
        hint="`update show` says what it waits for",
        location=update.name,
    )


def changed(update: AgentMemoryUpdate, checked: Checked) -> KrateError:
    """Of one that is another on the present target than was approved."""
    if checked.merged.conflicts:
        places = ", ".join(f"{one.path} {one.place}".rstrip() for one in checked.merged.conflicts[:5])
        return KrateError(
            "MEMORY_UPDATE_CONFLICT",
            f"the target changed in the same places: {places}",
            hint="revise the update on what is there now",
            location=update.name,
        )
    if checked.is_blocked:
        failed = next(one for one in checked.conditions if one.status == "False")
        return KrateError(
            "MEMORY_UPDATE_VALIDATION_FAILED",
            f"{failed.type} does not hold: {failed.reason} {failed.message}".rstrip(),
            hint="`update show` lists what is wrong",
            location=update.name,
        )
    return KrateError(
        "MEMORY_UPDATE_NOT_APPROVED",
        "the target moved, and the result is another one than was approved",
        hint="review it again",
        location=update.name,
    )
