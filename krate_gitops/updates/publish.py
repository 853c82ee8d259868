"""Takes an update from its proposal to its reviewers: judge it, build its commit, push its branch, open its request.

Every step can be done again: the commit of a revision is the same however often it is built, the branch moves by
compare-and-swap, and the forge is asked for the request that is there.
"""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.errors import KrateError, UnavailableError
from krate_gitops.git.commits import build_commit
from krate_gitops.git.identity import OURS
from krate_gitops.git.instants import parse_instant
from krate_gitops.git.pins import holds
from krate_gitops.git.push import Pushed, descends, push_branch
from krate_gitops.records.audit_record import Stage
from krate_gitops.records.update_events import update_proposed, update_validated
from krate_gitops.updates.approvals import outstanding_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.end import close_request, end_update
from krate_gitops.updates.forges.port import CheckState, PullDraft, PullState
from krate_gitops.updates.impact_section import impact_section
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.message import author_of, commit_message
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Phase, UpdateKind
from krate_gitops.updates.pull_request import body_of, title_of
from krate_gitops.updates.staleness import banner_of
from krate_gitops.updates.validation import Checked, check_kept

_WITH_REQUEST = (UpdateKind.PROPOSED_PR, UpdateKind.REVERT, UpdateKind.TRUSTED_MAINTENANCE)


def publish(desk: Desk, held: Held) -> Held:
    """The update judged on the target's tip and, where that is allowed, shown to its reviewers.

    ``held`` is ``Validating``. Raises ``UnavailableError`` and ``DeniedError`` of Git and the forge; the update then
    stays as it is, and the same call again goes on.
    """
    ledger = Ledger(desk)
    update = held.update
    tip = desk.tip(update.spec.target_branch)
    if tip is None:
        raise _no_branch(update.spec.target_branch)
    checked = check_kept(desk, update, ledger.contents(update), tip)
    update = judged(update, checked)
    use = ledger.use(update)
    if checked.may_push and update.spec.update_kind is not UpdateKind.PATCH_ARTIFACT:
        if _is_rewritten(desk, update):
            comment = "Closed: the branch was rewritten."
            return end_update(desk, held, Phase.REJECTED, reason="BranchTampered", comment=comment)
        if _is_closed(desk, update):
            # What somebody closed isn't opened again behind their back.
            return end_update(desk, held, Phase.REJECTED, reason="ClosedAtForge")
        ledger.note([update_proposed(use, stage=Stage.INTENT, result=checked.report.result)])
        update = _shown(desk, held, update, checked)
    elif update.status.head_commit is not None and not checked.may_push:
        # What may not be shown is taken back: an earlier revision was shown already.
        close_request(desk, update, "This revision can't be shown here; its branch is removed.")
        update = with_status(update, head_commit=None, head_revision=0, pull_request_ref=None)
    update = _settled(desk, update, checked)
    entries = [
        update_validated(
            use,
            result=checked.report.result,
            codes=checked.report.counts_by_code,
            report_digest=checked.report.digest,
            commit=tip,
        ),
        update_proposed(
            use,
            stage=Stage.OUTCOME,
            result=checked.report.result,
            head=update.status.head_commit,
            pull_request=update.status.pull_request_ref,
        ),
    ]
    return ledger.step(held, update, entries, report=checked.report)


def judged(update: AgentMemoryUpdate, checked: Checked) -> AgentMemoryUpdate:
    """The update with what validation found out in its status."""
    return with_status(
        update,
        conditions=checked.conditions,
        conflicts=checked.merged.conflicts,
        validation_report_digest=checked.report.digest,
        redaction_digest=checked.report.redaction_digest,
        validated_commit=checked.tip,
        near=checked.near,
    )


def _settled(desk: Desk, update: AgentMemoryUpdate, checked: Checked) -> AgentMemoryUpdate:
    """The phase that follows from what was found out and from the approvals that still hold."""
    is_shown = update.status.head_commit is not None or update.spec.update_kind is UpdateKind.PATCH_ARTIFACT
    missing = outstanding_of(desk, update, checked)
    if checked.is_blocked:
        phase = Phase.CHANGES_REQUESTED
    elif missing or update.spec.update_kind is UpdateKind.PATCH_ARTIFACT:
        phase = Phase.AWAITING_APPROVAL
    else:
        phase = Phase.APPROVED
    is_approved = phase is Phase.APPROVED
    told = ", ".join(f"{one.kind} {one.subject}".rstrip() for one in missing)
    conditions = (
        *checked.conditions,
        Condition("ReviewReady", *(("True", "Shown") if is_shown else ("False", "AwaitingValidation"))),
        Condition("Approved", "True" if is_approved else "False", "Approved" if is_approved else "ReviewNeeded", told),
        Condition("Merged", "False", "NotMerged"),
        Condition("Ready", "False", "NotMerged"),
    )
    return with_status(update, phase=phase, conditions=conditions)


def _shown(desk: Desk, held: Held, update: AgentMemoryUpdate, checked: Checked) -> AgentMemoryUpdate:
    """The update with its branch pushed and its request opened or brought up to date."""
    title = title_of(update, checked.report)
    branch = update.spec.branch_name
    settings, brain = desk.brain.settings, desk.brain
    expected = desk.tip(branch)
    if _is_built(desk, update) and expected not in (None, update.status.head_commit):
        # A reviewer pushed on top of it this moment. The next look takes that over.
        return update
    head = head_of(desk, held, update, checked, title)
    if expected not in (None, head, update.status.head_commit or update.spec.base_commit):
        head = head_of(desk, held, update, checked, title, parent=expected)
    if expected != head and push_branch(brain.repository, brain.spec, branch, head, expected, settings=settings) is (
        Pushed.MOVED
    ):
        raise KrateError(
            "PUSH_CONFLICT",
            f"{branch} was moved by somebody else",
            hint="`update refresh` looks at it again",
            location=branch,
        )
    update = with_status(update, head_commit=head, head_revision=update.status.revision)
    if update.spec.update_kind not in _WITH_REQUEST:
        return update
    pull = desk.forge.open(
        PullDraft(
            branch=branch,
            target=update.spec.target_branch,
            head=head,
            title=title,
            body=body_of(
                update,
                checked.report,
                tip=checked.tip,
                requirements=checked.requirements,
                banner=banner_of(desk, update, checked),
                near=checked.near,
                impact=impact_section(desk, checked.tip, checked.merged.changed, checked.root),
                retention=update.metadata.labels.get("krate.a5c.ai/retention-tier", ""),
                source_digest=update.metadata.labels.get("krate.a5c.ai/source-digest"),
            ),
            digest=update.status.diff_digest,
            reviewers=tuple(dict.fromkeys(who for one in checked.requirements for who in one.people)),
        )
    )
    state = CheckState.FAILURE if checked.is_blocked else CheckState.SUCCESS
    desk.forge.set_status(head, state, description=_described(checked))
    return with_status(update, pull_request_ref=pull.ref)


def branch_moved(desk: Desk, update: AgentMemoryUpdate) -> bool:
    """Whether an update's branch isn't where it was left: somebody pushed to it, or took it away."""
    head = update.status.head_commit
    return head is not None and desk.tip(update.spec.branch_name) != head


def _is_built(desk: Desk, update: AgentMemoryUpdate) -> bool:
    """Whether there is a commit of the present revision."""
    status = update.status
    is_present = status.head_commit is not None and status.head_revision == status.revision
    return is_present and holds(desk.brain.repository, status.head_commit or "")


def _is_rewritten(desk: Desk, update: AgentMemoryUpdate) -> bool:
    """Whether a branch of its name doesn't continue what was left there."""
    tip, left = desk.tip(update.spec.branch_name), update.status.head_commit or update.spec.base_commit
    repository = desk.brain.repository
    return tip is not None and tip != left and not (holds(repository, left) and descends(repository, tip, left))


def _is_closed(desk: Desk, update: AgentMemoryUpdate) -> bool:
    ref = update.status.pull_request_ref
    return ref is not None and desk.forge.read(ref).state is PullState.CLOSED


def head_of(
    desk: Desk, held: Held, update: AgentMemoryUpdate, checked: Checked, title: str, *, parent: str | None = None
) -> str:
    """The commit of the update's present revision: the one that was built before, or a new one on top of its branch.

    ``parent`` is where the branch stands, when that isn't where it was left.
    """
    status, repository = update.status, desk.brain.repository
    if _is_built(desk, update) and status.head_commit is not None:
        return status.head_commit
    base = update.spec.base_commit
    if parent is None:
        parent = status.head_commit if status.head_commit and holds(repository, status.head_commit) else base
    # The time is that of the state the work began in: whoever does it again after a crash builds the same commit.
    began = parse_instant(held.stored.updated_at, now=desk.now)
    return build_commit(
        repository.git_dir,
        rooted(checked.root, checked.head or {}),
        base=base,
        parents=[parent],
        message=commit_message(title, update),
        author=author_of(update.spec.proposer, update.metadata.labels.get("krate.a5c.ai/author", "")),
        committer=OURS,
        time=desk.now.fromtimestamp(began, tz=desk.now.tzinfo),
        only_files=True,
    )


def rooted(root: str, files: Mapping[str, bytes | None]) -> dict[str, bytes | None]:
    """Paths below the memory root as paths of the repository."""
    prefix = f"{root}/" if root else ""
    return {prefix + path: content for path, content in files.items()}


def _described(checked: Checked) -> str:
    counts = checked.report.counts
    return f"{checked.report.result}: {counts.get('error', 0)} errors, {counts.get('warning', 0)} warnings"


def _no_branch(branch: str) -> UnavailableError:
    return UnavailableError(
        "MEMORY_REF_NOT_FOUND", f"there is no branch {branch}", hint="check the target branch", location=branch
    )
