"""Takes reviews that were given at the forge over as decisions.

A forge lets anybody review who may see the repository. So a review there counts as an approval only of somebody whom
the update's owners or the memory owners name; everybody's objection counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.brain.model import SecretScan
from krate_gitops.records.audit_record import Actor
from krate_gitops.records.update_events import update_reviewed
from krate_gitops.updates.approvals import outstanding_of
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.examine import without_secrets
from krate_gitops.updates.forges.port import ForgeReview, ReviewState
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.model import AgentMemoryUpdate, Condition, Decision, Phase, Verdict
from krate_gitops.updates.requirements import is_one_of
from krate_gitops.updates.validation import Checked, check_kept

_VERDICTS = {
    ReviewState.APPROVED: Verdict.APPROVE,
    ReviewState.CHANGES_REQUESTED: Verdict.REQUEST_CHANGES,
}
_MOST_COMMENT = 1000


def take_reviews(desk: Desk, held: Held) -> Held:
    """The update with the decisions that reviews at its forge amount to; unchanged without news."""
    update = held.update
    if update.status.pull_request_ref is None or update.status.head_commit is None:
        return held
    reviews = desk.forge.reviews(update.status.pull_request_ref)
    last = {one.actor: one for one in reviews if one.state is not ReviewState.COMMENTED}
    kept = _without_dismissed(update.status.decisions, reviews)
    if kept == update.status.decisions and not any(_is_news(update, one) for one in last.values()):
        return held
    update = with_status(update, decisions=kept)
    ledger = Ledger(desk)
    tip = update.status.validated_commit or update.spec.base_commit
    checked = check_kept(desk, update, ledger.contents(update), tip)
    scan = desk.secret_scan()
    decisions = tuple(
        decision
        for one in last.values()
        if _is_news(update, one) and (decision := _decision(update, one, checked, scan)) is not None
    )
    if not decisions and kept == held.update.status.decisions:
        return held
    update = with_status(update, decisions=(*update.status.decisions, *decisions), changed_at=desk.instant)
    missing = outstanding_of(desk, update, checked)
    objected = any(one.decision is Verdict.REQUEST_CHANGES for one in decisions)
    if objected or update.phase is Phase.CHANGES_REQUESTED:
        phase = Phase.CHANGES_REQUESTED
    else:
        phase = Phase.AWAITING_APPROVAL if missing or checked.is_blocked else Phase.APPROVED
    is_approved = phase is Phase.APPROVED
    told = ", ".join(f"{one.kind} {one.subject}".rstrip() for one in missing)
    condition = Condition(
        "Approved", "True" if is_approved else "False", "Approved" if is_approved else "ReviewNeeded", told
    )
    conditions = tuple(condition if one.type == "Approved" else one for one in update.status.conditions)
    entries = [
        update_reviewed(
            ledger.use(update, Actor(kind="User", name=one.actor)),
            verdict=one.decision.value,
            head=one.head_commit,
            approved=is_approved,
            report_digest=one.validation_report_digest,
        )
        for one in decisions
    ]
    return ledger.step(held, with_status(update, phase=phase, conditions=conditions), entries)


def _without_dismissed(decisions: tuple[Decision, ...], reviews: Sequence[ForgeReview]) -> tuple[Decision, ...]:
    """The decisions, those bound to nothing any more whose review was dismissed at the forge."""
    dismissed = {(one.actor, one.at) for one in reviews if one.state is ReviewState.DISMISSED}
    return tuple(
        msgspec.structs.replace(one, head_commit=None, validation_report_digest=None)
        if (one.actor, one.at) in dismissed
        else one
        for one in decisions
    )


def _is_news(update: AgentMemoryUpdate, review: ForgeReview) -> bool:
    """Whether a review is about the present head and isn't on record."""
    verdict = _VERDICTS.get(review.state)
    if verdict is None or review.commit not in (None, update.status.head_commit):
        return False
    theirs = [one for one in update.status.decisions if one.actor == review.actor]
    return not any(
        one.decision is verdict and one.head_commit == update.status.head_commit and one.at == review.at
        for one in theirs
    )


def _decision(update: AgentMemoryUpdate, review: ForgeReview, checked: Checked, scan: SecretScan) -> Decision | None:
    verdict = _VERDICTS[review.state]
    if verdict is Verdict.APPROVE:
        named = {who for one in checked.requirements for who in one.people}
        # An approval that names no commit may be about another revision, and one of a text that speaks to agents must
        # say that it was read: neither can be said at a forge.
        if review.commit is None or not is_one_of(review.actor, named) or checked.report.injection.verdict != "clean":
            return None
        proposer = update.metadata.labels.get("krate.a5c.ai/author", update.spec.proposer.name)
        if is_one_of(review.actor, (proposer, update.spec.proposer.name)):
            return None
    return Decision(
        actor=review.actor,
        decision=verdict,
        at=review.at,
        head_commit=update.status.head_commit,
        diff_digest=update.status.diff_digest,
        validation_report_digest=update.status.validation_report_digest,
        comment=without_secrets(review.comment, scan)[:_MOST_COMMENT],
    )
