"""What reviewers do with an import, by way of its update."""

from __future__ import annotations

from krate_gitops.errors import KrateError
from krate_gitops.updates.desk import MERGE, Desk
from krate_gitops.updates.imports.ledger import HeldImport, ImportLedger
from krate_gitops.updates.imports.mirror import mirrored
from krate_gitops.updates.imports.model import ImportPhase
from krate_gitops.updates.land import merge
from krate_gitops.updates.ledger import Ledger
from krate_gitops.updates.look import look
from krate_gitops.updates.model import Phase, Verdict
from krate_gitops.updates.propose import revalidate
from krate_gitops.updates.review import Opinion, decide


def decide_import(desk: Desk, name: str, opinion: Opinion) -> HeldImport:
    """The import after a reviewer's word. With ``mergeOnImportApproval`` the last approval merges it.

    Raises as ``decide`` and ``merge`` do, and ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` before it is under review.
    """
    held, update = _under_review(desk, name, opinion.verdict is Verdict.REJECT)
    if update is None:
        return held
    decided = decide(desk, update, opinion)
    held = mirrored(desk, held)
    if (
        decided.update.phase is Phase.APPROVED
        and desk.policy.updates.merge_on_import_approval
        and MERGE in desk.caller.permissions
    ):
        return merge_import(desk, name)
    return held


def merge_import(
    desk: Desk, name: str, *, expected_head: str | None = None, expected_diff: str | None = None
) -> HeldImport:
    """The import as part of the default branch; one that is so already stays as it is.

    Raises as ``merge`` does, and ``KrateError(MEMORY_IMPORT_VALIDATION_FAILED)`` while its files don't hold to the
    brain's rules.
    """
    held, update = _under_review(desk, name, False)
    if update is None:
        return held
    valid = held.document.condition("OntologyValid")
    if valid is not None and valid.status == "False":
        raise _invalid(name, valid.message)
    try:
        merge(desk, update, expected_head=expected_head, expected_diff=expected_diff)
    except KrateError as error:
        mirrored(desk, held)
        if error.code == "MEMORY_UPDATE_VALIDATION_FAILED":
            raise _invalid(name, error.message) from None
        raise
    return mirrored(desk, held)


def revalidate_import(desk: Desk, name: str) -> HeldImport:
    """An import under review judged anew, on the target as it is now. Raises as ``revalidate`` does."""
    held, update = _under_review(desk, name, False)
    if update is not None:
        revalidate(desk, Ledger(desk).find(update))
    return mirrored(desk, held)


def look_at_import(desk: Desk, name: str) -> HeldImport:
    """The import as it is now, after a look at its forge and its branch."""
    held = ImportLedger(desk).find(name)
    if held.document.status.update_ref is not None and held.is_open:
        look(desk, held.document.status.update_ref)
    return mirrored(desk, ImportLedger(desk).find(name))


def _under_review(desk: Desk, name: str, is_rejected: bool) -> tuple[HeldImport, str | None]:
    """The import and its update's name; None where there is nothing to do any more."""
    held = mirrored(desk, ImportLedger(desk).find(name))
    if held.phase is ImportPhase.MERGED or (is_rejected and held.phase is ImportPhase.REJECTED):
        return held, None
    update = held.document.status.update_ref
    if held.phase is not ImportPhase.AWAITING_REVIEW or update is None:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            f"{name} is {held.phase}, so there is nothing to review",
            hint="`import show` says what it waits for",
            location=name,
        )
    Ledger(desk).find(update)
    return held, update


def _invalid(name: str, message: str) -> KrateError:
    return KrateError(
        "MEMORY_IMPORT_VALIDATION_FAILED",
        f"the files of {name} don't hold to the brain's rules: {message}".rstrip(": "),
        hint="`import show` lists what is wrong",
        location=name,
    )
