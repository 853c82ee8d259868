"""An import follows its update: whatever becomes of the one becomes of the other."""

from __future__ import annotations

from krate_gitops.errors import UnavailableError
from krate_gitops.records.audit_record import Entry
from krate_gitops.records.import_events import import_ended, import_merged, import_reviewed
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.docket import MovedOnError
from krate_gitops.updates.imports.conditions import false, true, with_conditions
from krate_gitops.updates.imports.ledger import HeldImport, ImportLedger, with_status
from krate_gitops.updates.imports.model import AgentRunMemoryImport, ImportPhase
from krate_gitops.updates.ledger import Ledger
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase

_ENDED = {
    Phase.MERGED: ImportPhase.MERGED,
    Phase.REJECTED: ImportPhase.REJECTED,
    Phase.SUPERSEDED: ImportPhase.REJECTED,
    Phase.EXPIRED: ImportPhase.REJECTED,
    Phase.FAILED: ImportPhase.FAILED,
}
_FORM = ("FrontmatterValid", "OntologyValid")


def mirrored(desk: Desk, held: HeldImport) -> HeldImport:
    """The import as its update stands on record, each new decision in the log. Costs one look when nothing happened."""
    name = held.document.status.update_ref
    if not held.is_open or held.phase is not ImportPhase.AWAITING_REVIEW or name is None:
        return held
    try:
        update = Ledger(desk).find(name).update
    except UnavailableError as error:
        if error.code != "NOT_FOUND":
            raise
        return held
    document = settled(held.document, update)
    if document == held.document:
        return held
    ledger = ImportLedger(desk)
    try:
        return ledger.step(held, document, _entries(ledger, held.document, document, update))
    except MovedOnError:
        return ledger.find(held.name)


def settled(document: AgentRunMemoryImport, update: AgentMemoryUpdate) -> AgentRunMemoryImport:
    """The import with what its update says of it."""
    status = update.status
    phase = _ENDED.get(update.phase, ImportPhase.AWAITING_REVIEW)
    return with_status(
        document,
        phase=phase,
        update_ref=update.name,
        target_branch=update.spec.branch_name,
        head_commit=status.head_commit,
        pull_request_ref=status.pull_request_ref,
        validation_report_digest=status.validation_report_digest,
        memory_commit=status.merge_commit if update.phase is Phase.MERGED else None,
        decisions=status.decisions,
        error=status.error if phase is ImportPhase.FAILED else None,
        conditions=with_conditions(document.status.conditions, *_conditions(update)),
    )


def _conditions(update: AgentMemoryUpdate) -> tuple[Condition, ...]:
    broken = next((one for one in map(update.condition, _FORM) if one is not None and one.status == "False"), None)
    valid = (
        true("OntologyValid", "Valid") if broken is None else false("OntologyValid", "OntologyInvalid", broken.message)
    )
    applies, shown = update.condition("PatchApplies"), update.condition("ReviewReady")
    if applies is not None and applies.status == "False":
        ready = false("ReviewReady", "TargetConflict", applies.message)
    elif update.status.head_commit is None or (shown is not None and shown.status == "False"):
        ready = false("ReviewReady", "AwaitingValidation")
    else:
        ready = true("ReviewReady", "PullRequestCreated" if update.status.pull_request_ref else "BranchCreated")
    if update.phase is Phase.MERGED:
        merged = update.condition("Merged")
        indexed = update.condition("Ready")
        is_indexed = indexed is None or indexed.status == "True"
        last = true("Ready", "Merged") if is_indexed else false("Ready", indexed.reason if indexed else "")
        return valid, ready, true("MemoryMerged", merged.reason if merged else "Merged"), last
    if update.phase in _ENDED:
        reason = {Phase.SUPERSEDED: "Superseded", Phase.EXPIRED: "Expired", Phase.FAILED: "MergeContention"}.get(
            update.phase, "Rejected"
        )
        return valid, ready, false("MemoryMerged", reason), false("Ready", reason)
    blocked = next((one.reason for one in (valid, ready) if one.status == "False"), "NotMerged")
    return valid, ready, false("MemoryMerged", "NotMerged"), false("Ready", blocked)


def _entries(
    ledger: ImportLedger, before: AgentRunMemoryImport, after: AgentRunMemoryImport, update: AgentMemoryUpdate
) -> list[Entry]:
    use = ledger.use(after)
    entries = [
        import_reviewed(use, verdict=one.decision.value, head=one.head_commit, diff_digest=one.diff_digest)
        for one in after.status.decisions
        if one not in before.status.decisions
    ]
    if after.phase is ImportPhase.MERGED:
        entries.append(import_merged(use, commit=update.status.merge_commit))
    elif after.phase in (ImportPhase.REJECTED, ImportPhase.FAILED):
        entries.append(import_ended(use, operation="reject", reason=update.phase.value))
    return entries
