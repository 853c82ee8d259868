"""What reviewers say of an update: approve, ask for changes, reject."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from krate_gitops.errors import DeniedError, KrateError, UsageError
from krate_gitops.records.audit_record import Entry
from krate_gitops.records.update_events import update_denied, update_reviewed
from krate_gitops.updates.approvals import INJECTION_SEEN, outstanding_of
from krate_gitops.updates.desk import APPROVE, Caller, Desk
from krate_gitops.updates.end import end_update
from krate_gitops.updates.examine import without_secrets
from krate_gitops.updates.ledger import Held, Ledger, with_status
from krate_gitops.updates.model import TERMINAL, AgentMemoryUpdate, Condition, Decision, Phase, UpdateKind, Verdict
from krate_gitops.updates.requirements import is_one_of
from krate_gitops.updates.validation import Checked, check_kept

MAX_COMMENT = 4000
_REVIEWABLE = (Phase.AWAITING_APPROVAL, Phase.APPROVED, Phase.CHANGES_REQUESTED)


class Opinion(msgspec.Struct, frozen=True, kw_only=True):
    """A reviewer's word and what it is about: the head and the diff digest that the reviewer looked at, where given."""

    verdict: Verdict
    comment: str = ""
    expected_head: str | None = None
    expected_diff: str | None = None
    acknowledge: tuple[str, ...] = ()


def decide(desk: Desk, name: str, opinion: Opinion) -> Held:
    """The update after a reviewer's word; the same word again changes nothing.

    Raises ``DeniedError(POLICY_DENIED)`` for who may not say it, ``KrateError``: ``MEMORY_UPDATE_NOT_APPROVED`` where
    the phase doesn't permit it, ``MEMORY_UPDATE_STALE_APPROVAL`` when the update isn't what the reviewer looked at,
    and ``UsageError(INVALID_REQUEST)`` for a no without a reason.
    """
    desk = desk.again()
    ledger = Ledger(desk)
    held = ledger.find(name)
    update = held.update
    _check_form(opinion)
    if opinion.verdict is Verdict.REJECT and update.phase is Phase.REJECTED:
        return held
    if update.phase in TERMINAL and _stood(update, reviewer_name(desk.caller), opinion):
        return held
    try:
        check_phase(update, opinion.verdict)
        _check_expected(update, opinion)
        check_reviewer(desk, update, opinion.verdict)
    except DeniedError as error:
        ledger.note([update_denied(ledger.use(update), opinion.verdict.value, error.code, reason="Refused")])
        raise
    checked = _checked(desk, ledger, update)
    if opinion.verdict is Verdict.APPROVE:
        _check_seen(checked, opinion)
    decision = Decision(
        actor=reviewer_name(desk.caller),
        decision=opinion.verdict,
        at=desk.instant,
        head_commit=update.status.head_commit,
        diff_digest=update.status.diff_digest,
        validation_report_digest=update.status.validation_report_digest,
        comment=without_secrets(opinion.comment.strip(), desk.secret_scan()),
        acknowledge=opinion.acknowledge,
    )
    if _said_before(update, decision):
        return held
    return _said(desk, held, decision, checked)


def reviewer_name(caller: Caller) -> str:
    """A reviewer as decisions and trailers have it."""
    return f"{caller.name} <{caller.address}>" if caller.address else caller.name


def _said(desk: Desk, held: Held, decision: Decision, checked: Checked) -> Held:
    ledger = Ledger(desk)
    decisions = (*held.update.status.decisions, decision)
    update = with_status(held.update, decisions=decisions, changed_at=desk.instant)
    if decision.decision is Verdict.REJECT:
        return end_update(
            desk,
            held,
            Phase.REJECTED,
            reason="Rejected",
            comment=decision.comment,
            update=update,
            entries=[_entry(ledger, update, decision, approved=False)],
        )
    if decision.decision is Verdict.REQUEST_CHANGES:
        phase, missing = Phase.CHANGES_REQUESTED, "ChangesRequested"
    else:
        left = outstanding_of(desk, update, checked)
        missing = ", ".join(f"{one.kind} {one.subject}".rstrip() for one in left)
        is_stored_only = update.spec.update_kind is UpdateKind.PATCH_ARTIFACT
        phase = Phase.AWAITING_APPROVAL if left or checked.is_blocked or is_stored_only else Phase.APPROVED
    is_approved = phase is Phase.APPROVED
    condition = Condition(
        "Approved", "True" if is_approved else "False", "Approved" if is_approved else "ReviewNeeded", missing
    )
    conditions = [condition if one.type == "Approved" else one for one in update.status.conditions]
    update = with_status(update, phase=phase, conditions=tuple(conditions))
    held = ledger.step(held, update, [_entry(ledger, update, decision, approved=is_approved)])
    if decision.decision is Verdict.REQUEST_CHANGES and update.status.pull_request_ref:
        desk.forge.comment(update.status.pull_request_ref, f"Changes requested: {decision.comment}")
    return held


def _entry(ledger: Ledger, update: AgentMemoryUpdate, decision: Decision, *, approved: bool) -> Entry:
    return update_reviewed(
        ledger.use(update),
        verdict=decision.decision.value,
        head=decision.head_commit,
        approved=approved,
        report_digest=decision.validation_report_digest,
    )


def _said_before(update: AgentMemoryUpdate, decision: Decision) -> bool:
    """Whether this is the reviewer's last word already."""
    theirs: Sequence[Decision] = [one for one in update.status.decisions if one.actor == decision.actor]
    return bool(theirs) and msgspec.structs.replace(theirs[-1], at="") == msgspec.structs.replace(decision, at="")


def _stood(update: AgentMemoryUpdate, actor: str, opinion: Opinion) -> bool:
    """Whether this was a reviewer's last word on what the update ended with."""
    theirs = [one for one in update.status.decisions if one.actor == actor]
    head = opinion.expected_head or update.status.head_commit
    return bool(theirs) and (theirs[-1].decision, theirs[-1].head_commit) == (opinion.verdict, head)


def _check_form(opinion: Opinion) -> None:
    if opinion.verdict is not Verdict.APPROVE and not opinion.comment.strip():
        raise UsageError("INVALID_REQUEST", f"to {opinion.verdict} an update takes a reason", hint="give a comment")
    if len(opinion.comment) > MAX_COMMENT:
        raise UsageError("INVALID_REQUEST", f"a comment has at most {MAX_COMMENT} characters")


def check_phase(update: AgentMemoryUpdate, verdict: Verdict) -> None:
    """Raises ``KrateError(MEMORY_UPDATE_NOT_APPROVED)`` where an update isn't at a point to say that."""
    can_be_said = _REVIEWABLE if verdict is not Verdict.APPROVE else _REVIEWABLE[:2]
    is_shown = update.status.head_commit is not None or update.spec.update_kind is UpdateKind.PATCH_ARTIFACT
    if update.phase not in can_be_said or (verdict is Verdict.APPROVE and not is_shown):
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            f"{update.name} is {update.phase}, so nobody can {verdict} it now",
            hint="`update show` says what it waits for",
            location=update.name,
        )


def _check_expected(update: AgentMemoryUpdate, opinion: Opinion) -> None:
    check_expected(update, opinion.expected_head, opinion.expected_diff)


def check_expected(update: AgentMemoryUpdate, head: str | None, diff: str | None) -> None:
    """Raises ``KrateError(MEMORY_UPDATE_STALE_APPROVAL)`` when an update isn't at the named head and diff any more."""
    status = update.status
    for word, expected, actual in (("head", head, status.head_commit), ("diff", diff, status.diff_digest)):
        if expected is not None and expected != actual:
            raise KrateError(
                "MEMORY_UPDATE_STALE_APPROVAL",
                f"the {word} of {update.name} is {actual or 'not there'}, not {expected}",
                hint="look at it again with `update show`",
                location=update.name,
            )


def check_reviewer(desk: Desk, update: AgentMemoryUpdate, verdict: Verdict) -> None:
    """Raises ``DeniedError(POLICY_DENIED)`` where the desk's caller may not say that."""
    desk.require(APPROVE)
    caller, spec = desk.caller, update.spec
    if caller.kind != "User":
        raise DeniedError("POLICY_DENIED", "only people review updates", hint="ask one")
    who = reviewer_name(caller)
    if verdict is not Verdict.APPROVE:
        return
    if spec.proposer.kind == "User" and is_one_of(who, (spec.proposer.name, update.metadata.labels.get(_AUTHOR, ""))):
        raise DeniedError("POLICY_DENIED", "nobody approves their own update", hint="ask somebody else")
    initiator = update.metadata.labels.get(_INITIATOR)
    if initiator and is_one_of(who, (initiator,)) and not desk.policy.updates.allow_initiator_approval:
        raise DeniedError(
            "POLICY_DENIED", "who started the run doesn't approve what it proposes", hint="ask somebody else"
        )


_AUTHOR = "krate.a5c.ai/author"
_INITIATOR = "krate.a5c.ai/initiator"


def _checked(desk: Desk, ledger: Ledger, update: AgentMemoryUpdate) -> Checked:
    """The update as it was judged last: on the tip that its report is about."""
    tip = update.status.validated_commit or update.spec.base_commit
    return check_kept(desk, update, ledger.contents(update), tip)


def _check_seen(checked: Checked, opinion: Opinion) -> None:
    verdict = checked.report.injection.verdict
    if verdict == "blocked":
        raise KrateError(
            "MEMORY_UPDATE_VALIDATION_FAILED",
            "the update holds text that tries to give orders to agents, and can't be approved",
            hint="ask for a revision without it",
        )
    if verdict == "suspicious" and INJECTION_SEEN not in opinion.acknowledge:
        raise KrateError(
            "MEMORY_UPDATE_NOT_APPROVED",
            "the update holds text that speaks to the agents that will read it: "
            + ", ".join(checked.report.injection.places[:5]),
            hint=f"read it, and approve with --acknowledge {INJECTION_SEEN}",
        )
