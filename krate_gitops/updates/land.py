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
from krate_gitops.git.objects import ObjectReader
from krate_gitops.git.push import Pushed, push_branch
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.update_events import update_denied, update_merged, update_validated
from krate_gitops.updates.approvals import approvers, outstanding_of
from krate_gitops.updates.arrival import is_as_approved
from krate_gitops.updates.derived import derived_files
from krate_gitops.updates.desk import MERGE, Desk
from krate_gitops.updates.end import end_update, is_part_of, remove_branch
from krate_gitops.updates.forge_reviews import take_reviews
from krate_gitops.updates.forges.port import PullState
from krate_gitops.updates.landed import holds_what_was_judged, landed_commit
from krate_gitops.updates.ledger import Held, Ledger, MovedOnError, with_status
from krate_gitops.updates.message import COMMITTER, author_of, commit_message
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase, UpdateKind
from krate_gitops.updates.out_of_band import OUT_OF_BAND, notices_of
from krate_gitops.updates.publish import branch_moved, rooted
from krate_gitops.updates.pull_request import title_of
from krate_gitops.updates.recovery import close_ranges_fixed_by
from krate_gitops.updates.review import check_expected, reviewer_name
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
        raise _not_approved(held.update)
    return _Landing(desk, held).run()


def _heard(desk: Desk, held: Held) -> Held:
    """An approved update with what was said at its forge until now. Raises
    ``KrateError(MEMORY_UPDATE_STALE_APPROVAL)`` where its request was closed.
    """
    ref = held.update.status.pull_request_ref
    if ref is None:
        return held
    if desk.forge.read(ref).state is PullState.CLOSED:
        raise _moved(held.update)
    return take_reviews(desk, held)


def settle_merging(desk: Desk, held: Held) -> Held | None:
    """An update whose merge was begun, by somebody who died or is slow: merged, where the target has a commit of it."""
    tip = desk.tip(held.update.spec.target_branch)
    return None if tip is None else _settle_at(desk, held, tip)


def _settle_at(desk: Desk, held: Held, tip: str) -> Held | None:
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
    result = _result_at(desk, commit)
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


def _result_at(desk: Desk, commit: str) -> str | None:
    """The verdict on the whole brain at a commit; None when its index can't be built."""
    try:
        return desk.brain.read(commit, lambda opened: str(opened.manifest.result))
    except UnavailableError:
        return None


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
            settled = _settle_at(self._desk, self._held, tip)
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
            raise _moved(update)
        checked = check_kept(desk, update, ledger.contents(update), tip)
        # Approvals are bound to the report: another result is another digest, and they are void.
        judged = with_status(
            update,
            conditions=_renewed(update, checked),
            conflicts=checked.merged.conflicts,
            validation_report_digest=checked.report.digest,
            redaction_digest=checked.report.redaction_digest,
            validated_commit=tip,
        )
        if checked.is_blocked or outstanding_of(desk, judged, checked):
            judged = with_status(judged, phase=Phase.AWAITING_APPROVAL, merge_commit=None)
            self._held = ledger.step(self._held, judged, report=checked.report)
            raise _changed(self._held.update, checked)
        if checked.tip_result == "invalid" and checked.merged_result == "invalid":
            raise KrateError(
                "MEMORY_WRITES_DISABLED",
                "the target branch is invalid, and stays so with this update",
                hint="merge an update that repairs it first; `brain validate` lists what is wrong",
                location=update.spec.target_branch,
            )
        self._held = ledger.step(self._held, with_status(judged, phase=Phase.MERGING), report=checked.report)
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
            committer=COMMITTER,
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


def _moved(update: AgentMemoryUpdate) -> KrateError:
    return KrateError(
        "MEMORY_UPDATE_STALE_APPROVAL",
        f"branch or request of {update.name} isn't as its reviewers saw it",
        hint="`update refresh` looks at it again",
        location=update.name,
    )


def _not_approved(update: AgentMemoryUpdate) -> KrateError:
    condition = update.condition("Approved")
    waits = f": {condition.message}" if condition is not None and condition.message else ""
    return KrateError(
        "MEMORY_UPDATE_NOT_APPROVED",
        f"{update.name} is {update.phase}{waits}",
        hint="`update show` says what it waits for",
        location=update.name,
    )


def _changed(update: AgentMemoryUpdate, checked: Checked) -> KrateError:
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
