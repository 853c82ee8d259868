"""Merges an approved update: exactly one commit on the target, pushed by compare-and-swap on the tip it was built on.

The commit is on record before it is pushed. Whoever finds an update that is ``Merging`` looks whether the target has
that commit, and else begins again.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping

from krate_gitops.errors import DeniedError, KrateError, UnavailableError
from krate_gitops.git.commits import build_commit
from krate_gitops.git.history import read_commit
from krate_gitops.git.identity import OURS
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.push import Pushed, push_branch
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.update_events import update_denied, update_merged
from krate_gitops.updates.approvals import approvers, outstanding_of
from krate_gitops.updates.derived import derived_files
from krate_gitops.updates.desk import MERGE, Desk
from krate_gitops.updates.end import end_update, is_part_of
from krate_gitops.updates.finish import finish, settle_at
from krate_gitops.updates.forge_reviews import take_reviews
from krate_gitops.updates.forges.port import PullState
from krate_gitops.updates.landed import holds_what_was_judged
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.message import author_of, commit_message
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase
from krate_gitops.updates.not_merged import changed, moved, not_approved
from krate_gitops.updates.out_of_band import OUT_OF_BAND
from krate_gitops.updates.publish import branch_moved, judged, rooted
from krate_gitops.updates.pull_request import title_of
from krate_gitops.updates.review import check_expected
from krate_gitops.updates.validation import Checked, check_kept

MOST_ATTEMPTS = 5
_PAUSE_SECONDS = 0.05


def merge(desk: Desk, name: str, *, expected_head: str | None = None, expected_diff: str | None = None) -> Held:
    """The update as part of its target branch; one that is so already stays as it is.

    Raises ``DeniedError(POLICY_DENIED)``, and ``PUSH_REFUSED`` where the target takes no push; ``KrateError``:
    ``MEMORY_UPDATE_NOT_APPROVED``, ``MEMORY_UPDATE_STALE_APPROVAL``, ``MEMORY_UPDATE_CONFLICT``,
    ``MEMORY_UPDATE_VALIDATION_FAILED``, ``MEMORY_WRITES_DISABLED``, ``MEMORY_MERGE_CONTENTION``; ``UnavailableError``.
    """
    desk = desk.again()
    ledger = Ledger(desk)
    held = ledger.find(name)
    if held.update.phase is Phase.MERGED:
        return held
    try:
        desk.require(MERGE)
        desk.require_writes()
        if desk.caller.kind == "Agent":
            raise DeniedError("POLICY_DENIED", "agents don't merge updates", hint="ask somebody who may")
    except KrateError as error:
        ledger.note([update_denied(ledger.use(held.update), "merge", error.code, reason="Refused")])
        raise
    check_expected(held.update, expected_head, expected_diff)
    if held.update.phase is Phase.APPROVED:
        held = _heard(desk, held)
    if held.update.phase not in (Phase.APPROVED, Phase.MERGING):
        raise not_approved(held.update)
    return _Landing(desk, held).run()


def _heard(desk: Desk, held: Held) -> Held:
    """An approved update with what was said at its forge until now. Raises
    ``KrateError(MEMORY_UPDATE_STALE_APPROVAL)`` where its request was closed.
    """
    ref = held.update.status.pull_request_ref
    if ref is None:
        return held
    if desk.forge.read(ref).state is PullState.CLOSED:
        raise moved(held.update)
    return take_reviews(desk, held)


class _Landing:
    def __init__(self, desk: Desk, held: Held) -> None:
        self._desk = desk
        self._held = held

    def run(self) -> Held:
        for attempt in range(MOST_ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - only spreads writers out
                self._desk = self._desk.again()
            tip = self._tip()
            # Looked for at the very tip that is built on: the push fails where it came meanwhile.
            settled = settle_at(self._desk, self._held, tip)
            if settled is not None:
                return settled
            checked = self._judged(tip)
            commit = self._build(tip, checked)
            self._begin(commit)
            pushed = self._push(commit, tip, checked)
            if isinstance(pushed, Held):
                return pushed
            if pushed is Pushed.DONE:
                self._desk = self._desk.again()
                return finish(self._desk, self._held, commit)
        end_update(
            self._desk,
            self._held,
            Phase.FAILED,
            reason="MergeContention",
            code="MEMORY_MERGE_CONTENTION",
            comment="The target moved at every attempt.",
        )
        raise KrateError(
            "MEMORY_MERGE_CONTENTION",
            f"{self._held.update.spec.target_branch} moved at each of {MOST_ATTEMPTS} attempts",
            hint="propose the update again when the branch is quieter",
            location=self._held.name,
        )

    def _tip(self) -> str:
        branch = self._held.update.spec.target_branch
        tip = self._desk.tip(branch)
        if tip is None:
            raise UnavailableError("MEMORY_REF_NOT_FOUND", f"there is no branch {branch}", location=branch)
        return tip

    def _judged(self, tip: str) -> Checked:
        """The update judged on a tip; it goes back to its reviewers when that gives something else than they saw."""
        desk, update = self._desk, self._held.update
        ledger = Ledger(desk)
        if branch_moved(desk, update):
            waiting = with_status(update, phase=Phase.AWAITING_APPROVAL, merge_commit=None)
            self._held = ledger.step(self._held, waiting)
            raise moved(update)
        checked = check_kept(desk, update, ledger.contents(update), tip)
        # Approvals are bound to the report: another result is another digest, and they are void.
        anew = with_status(judged(update, checked), conditions=_renewed(update, checked))
        if checked.is_blocked or outstanding_of(desk, anew, checked):
            anew = with_status(anew, phase=Phase.AWAITING_APPROVAL, merge_commit=None)
            self._held = ledger.step(self._held, anew, report=checked.report)
            raise changed(self._held.update, checked)
        if checked.tip_result == "invalid" and checked.merged_result == "invalid":
            raise KrateError(
                "MEMORY_WRITES_DISABLED",
                "the target branch is invalid, and stays so with this update",
                hint="merge an update that repairs it first; `brain validate` lists what is wrong",
                location=update.spec.target_branch,
            )
        self._held = ledger.step(self._held, with_status(anew, phase=Phase.MERGING), report=checked.report)
        return checked

    def _build(self, tip: str, checked: Checked) -> str:
        desk, update = self._desk, self._held.update
        files: Mapping[str, bytes | None] = checked.merged.changed
        if desk.policy.commit_indexes:
            files = {**files, **derived_files(desk, tip, files, checked.root)}
        head = update.status.head_commit
        parents = [tip] if head is None or is_part_of(desk, head, tip) else [tip, head]
        return build_commit(
            desk.brain.repository.git_dir,
            rooted(checked.root, files),
            base=tip,
            parents=parents,
            message=commit_message(title_of(update, checked.report), update, approvers(update)),
            author=author_of(update.spec.proposer, update.metadata.labels.get("krate.a5c.ai/author", "")),
            committer=OURS,
            time=desk.now,
            only_files=True,
        )

    def _begin(self, commit: str) -> None:
        ledger = Ledger(self._desk)
        update = with_status(self._held.update, merge_commit=commit)
        entry = update_merged(ledger.use(update), stage=Stage.INTENT, commit=commit)
        self._held = ledger.step(self._held, update, [entry])

    def _push(self, commit: str, tip: str, checked: Checked) -> Pushed | Held:
        """What became of the push; the merged update where the forge had to do it."""
        desk, update = self._desk, self._held.update
        brain = desk.brain
        try:
            return push_branch(
                brain.repository,
                brain.spec,
                update.spec.target_branch,
                commit,
                tip,
                settings=brain.settings,
                with_work_tree=True,
            )
        except DeniedError:
            merged = self._merged_by_forge(tip, checked)
            if merged is not None:
                return merged
            # Nothing was merged, and nothing will be without somebody's doing: the approvals stay.
            self._held = Ledger(desk).step(self._held, with_status(update, phase=Phase.APPROVED, merge_commit=None))
            raise

    def _merged_by_forge(self, tip: str, checked: Checked) -> Held | None:
        """The update merged by its forge, where a protected branch takes no push and its merge gives the same files."""
        desk, update = self._desk, self._held.update
        head, request = update.status.head_commit, update.status.pull_request_ref
        is_same = checked.head is not None and dict(checked.head) == checked.merged.changed
        if head is None or request is None or not is_same or desk.policy.commit_indexes:
            return None
        message = commit_message(title_of(update, checked.report), update, approvers(update))
        try:
            commit = desk.forge.merge(request, expected_head=head, message=message)
        except UnavailableError:
            raise
        except KrateError:
            return None
        self._desk = desk = desk.again()
        with ObjectReader(desk.brain.repository) as reader:
            parents = read_commit(reader, commit).parents
        # The target may have moved before the forge merged: then it is judged as any merge that others made.
        if parents[:1] == (tip,) and holds_what_was_judged(desk, checked, tip, commit):
            return finish(desk, self._held, commit)
        return finish(desk, self._held, commit, reason=OUT_OF_BAND)


def _renewed(update: AgentMemoryUpdate, checked: Checked) -> tuple[Condition, ...]:
    """The conditions of a new judgement beside those of the review."""
    new = {one.type for one in checked.conditions}
    return (*checked.conditions, *(one for one in update.status.conditions if one.type not in new))
