"""Ends updates that don't reach the default branch: turned down, replaced, run out, failed."""

from __future__ import annotations

from collections.abc import Sequence

from krate_gitops.git.pins import holds
from krate_gitops.git.push import descends
from krate_gitops.records.audit_record import Entry, Stage
from krate_gitops.records.update_events import update_rejected
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase


def end_update(
    desk: Desk,
    held: Held,
    phase: Phase,
    *,
    reason: str,
    comment: str = "",
    code: str = "",
    superseded_by: str | None = None,
    update: AgentMemoryUpdate | None = None,
    entries: Sequence[Entry] = (),
) -> Held:
    """The update in a phase that it never leaves, its request closed and its branch gone. ``entries`` are audit records
    that belong to the step.

    The step is on record first. What dies after it leaves a branch that ``clean_branches`` removes.
    """
    ledger = Ledger(desk)
    update = update or held.update
    use = ledger.use(update)
    codes = (code,) if code else ()
    ledger.note([update_rejected(use, *codes, stage=Stage.INTENT, reason=reason, phase=phase.value)])
    kept = [one for one in update.status.conditions if one.type not in ("Approved", "Merged", "Ready")]
    update = with_status(
        update,
        phase=phase,
        superseded_by=superseded_by,
        error=code or None,
        conditions=(*kept, *(Condition(type, "False", reason, comment) for type in ("Approved", "Merged", "Ready"))),
    )
    entry = update_rejected(use, *codes, stage=Stage.OUTCOME, reason=reason, phase=phase.value)
    ended = ledger.step(held, update, [*entries, entry])
    close_request(desk, update, comment or f"{phase.value}: {reason}")
    return ended


def close_request(desk: Desk, update: AgentMemoryUpdate, comment: str) -> None:
    """Closes the request of an update, where it has one, and removes its branch, where it is its own."""
    if update.status.pull_request_ref:
        desk.forge.close(update.status.pull_request_ref, comment=comment)
    remove_branch(desk, update)


def remove_branch(desk: Desk, update: AgentMemoryUpdate) -> bool:
    """Removes an update's branch wherever it stands, by compare-and-swap on where it was seen; whether it is gone."""
    branch = update.spec.branch_name
    tip = desk.tip(branch)
    if tip is None:
        return True
    return desk.forge.delete_branch(branch, expected_head=tip)


def is_part_of(desk: Desk, commit: str, tip: str) -> bool:
    """Whether a commit is in a branch's history."""
    repository = desk.brain.repository
    return holds(repository, commit) and descends(repository, tip, commit)
