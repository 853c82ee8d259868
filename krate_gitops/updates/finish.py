"""Records that the target has an update, whoever put it there, and clears up behind it."""

from __future__ import annotations

from krate_gitops.errors import UnavailableError
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.update_events import update_merged, update_validated
from krate_gitops.updates.arrival import is_as_approved
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.docket import MovedOnError
from krate_gitops.updates.end import remove_branch
from krate_gitops.updates.landed import landed_commit
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.model import Condition, Phase, UpdateKind
from krate_gitops.updates.out_of_band import OUT_OF_BAND, notices_of
from krate_gitops.updates.recovery import close_ranges_fixed_by
from krate_gitops.updates.review import reviewer_name


def settle_merging(desk: Desk, held: Held) -> Held | None:
    """An update whose merge was begun, by somebody who died or is slow: merged, where the target has a commit of it."""
    tip = desk.tip(held.update.spec.target_branch)
    return None if tip is None else settle_at(desk, held, tip)


def settle_at(desk: Desk, held: Held, tip: str) -> Held | None:
    """The same, where a tip of the target has it."""
    commit = landed_commit(desk, held.update, tip)
    if commit is None:
        return None
    if commit == held.update.status.merge_commit:
        return finish(desk, held, commit)
    # Of two who merge at once the slower one's commit is on record. Or somebody else wrote our trailer.
    return finish_arrived(desk, held, commit)


def finish_arrived(desk: Desk, held: Held, commit: str) -> Held:
    """An update recorded as merged by a commit that isn't known to be ours: it went around the review, or not."""
    if is_as_approved(desk, held, commit):
        return finish(desk, held, commit)
    return finish(desk, held, commit, reason=OUT_OF_BAND)


def finish(desk: Desk, held: Held, commit: str, *, reason: str = "Merged") -> Held:
    """The update recorded as merged by a commit of the target; its branch goes, and the commit gets its index.

    One that went around the review is told of: in the log as critical, and to whom it concerns.
    """
    ledger = Ledger(desk)
    result = result_at(desk, commit)
    is_indexed = result is not None
    is_around = reason == OUT_OF_BAND
    kept = [one for one in held.update.status.conditions if one.type not in ("Merged", "Ready")]
    ready = Condition("Ready", *(("True", "Merged") if is_indexed else ("False", "IndexBuildFailed")))
    update = with_status(
        held.update,
        phase=Phase.MERGED,
        merge_commit=commit,
        conditions=(*kept, Condition("Merged", "True", reason), ready),
    )
    if update.spec.update_kind is UpdateKind.REVERT and update.spec.observed_commit:
        by = reviewer_name(desk.caller)
        close_ranges_fixed_by(desk.brain, desk.database, update.spec.observed_commit, commit, by)
    use = ledger.use(update)
    severity = "critical" if is_around else None
    entries = [update_merged(use, stage=Stage.OUTCOME, commit=commit, reason=reason, severity=severity)]
    if is_around:
        told = result or "unavailable"
        entries.append(update_validated(use, result=told, codes={}, report_digest=None, commit=commit))
    notices = notices_of(desk, update, commit) if is_around else []
    try:
        held = ledger.step(held, update, entries, notices=notices)
    except MovedOnError:
        held = ledger.find(held.name)
        if held.update.phase is not Phase.MERGED:
            raise
    if update.status.pull_request_ref:
        desk.forge.close(update.status.pull_request_ref, comment=f"Merged as {commit}.")
    remove_branch(desk, update)
    return held


def result_at(desk: Desk, commit: str) -> str | None:
    """The verdict on the whole brain at a commit; None when its index can't be built."""
    try:
        return desk.brain.read(commit, lambda opened: str(opened.manifest.result))
    except UnavailableError:
        return None
