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
from krate_gitops.records.update_events import update_denied, update_merged
from krate_gitops.updates.approvals import approvers, outstanding_of
from krate_gitops.updates.derived import derived_files
from krate_gitops.updates.desk import MERGE, Desk
from krate_gitops.updates.end import end_update, is_part_of, remove_branch
from krate_gitops.updates.landed import holds_what_was_judged, landed_commit
from krate_gitops.updates.ledger import Held, Ledger, MovedOnError, with_status
from krate_gitops.updates.message import COMMITTER, author_of, commit_message
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase, UpdateKind
from krate_gitops.updates.publish import rooted
from krate_gitops.updates.pull_request import title_of
from krate_gitops.updates.recovery import close_ranges_fixed_by
from krate_gitops.updates.review import check_expected, reviewer_name
from krate_gitops.updates.validation import Checked, check_update

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
    _check_branch(desk, held.update)
    if held.update.phase not in (Phase.APPROVED, Phase.MERGING):
        raise _not_approved(held.update)
    return _Landing(desk, held).run()


def _check_branch(desk: Desk, update: AgentMemoryUpdate) -> None:
    """Raises ``KrateError(MEMORY_UPDATE_STALE_APPROVAL)`` when the branch holds what nobody has judged."""
    head, tip = update.status.head_commit, desk.tip(update.spec.branch_name)
    if head is not None and tip not in (None, head) and update.phase is Phase.APPROVED:
        raise KrateError(
            "MEMORY_UPDATE_STALE_APPROVAL",
            f"somebody pushed to {update.spec.branch_name} since it was judged",
            hint="`update refresh` takes that over as a new revision",
            location=update.name,
        )


def settle_merging(desk: Desk, held: Held) -> Held | None:
    """An update whose merge was begun, by somebody who died or is slow: merged, where the target has a commit of it."""
    update = held.update
    tip = desk.tip(update.spec.target_branch)
    commit = landed_commit(desk, update, tip) if tip is not None else None
    return None if commit is None else finish(desk, held, commit)


def finish(desk: Desk, held: Held, commit: str, *, reason: str = "Merged", severity: str | None = None) -> Held:
    """The update recorded as merged by a commit of the target; its branch goes, and the commit gets its index."""
    ledger = Ledger(desk)
    is_indexed = _has_index(desk, commit)
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
    entry = update_merged(ledger.use(update), stage=Stage.OUTCOME, commit=commit, reason=reason, severity=severity)
    try:
        held = ledger.step(held, update, [entry])
    except MovedOnError:
        held = ledger.find(held.name)
        if held.update.phase is not Phase.MERGED:
            raise
    if update.status.pull_request_ref:
        desk.forge.close(update.status.pull_request_ref, comment=f"Merged as {commit}.")
    remove_branch(desk, update)
    return held


def _has_index(desk: Desk, commit: str) -> bool:
    try:
        desk.brain.read(commit, lambda opened: opened.manifest.index_digest)
    except UnavailableError:
        return False
    return True


class _Landing:
    def __init__(self, desk: Desk, held: Held) -> None:
        self._desk = desk
        self._held = held

    def run(self) -> Held:
        for attempt in range(MOST_ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, _PAUSE_SECONDS * 2**attempt))  # noqa: S311 - only spreads writers out
                self._desk = self._desk.again()
            if self._held.update.phase is Phase.MERGING:
                settled = settle_merging(self._desk, self._held)
                if settled is not None:
                    return settled
            tip = self._tip()
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
        checked = check_update(desk, update.spec, ledger.contents(update), tip, withheld=update.status.withheld)
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
        return finish(desk, self._held, commit, reason="OutOfBandMerge", severity="critical")


def _renewed(update: AgentMemoryUpdate, checked: Checked) -> tuple[Condition, ...]:
    """The conditions of a new judgement beside those of the review."""
    new = {one.type for one in checked.conditions}
    return (*checked.conditions, *(one for one in update.status.conditions if one.type not in new))


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
