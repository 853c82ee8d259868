"""Which decisions still hold, and what is missing until an update may be merged."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from krate_gitops.brain.rules.generated import block_digest
from krate_gitops.updates.desk import Desk
from krate_gitops.updates.model import AgentMemoryUpdate, Decision, Verdict
from krate_gitops.updates.requirements import Requirement, outstanding
from krate_gitops.updates.rights import ENTRYPOINT
from krate_gitops.updates.validation import Checked

INJECTION_SEEN = "injection-suspected"
_BLOCK = re.compile(
    r"^<!-- krate:generated name=(?P<name>[a-z0-9-]+) digest=(?P<digest>sha256:[0-9a-f]{64}) -->[ \t]*\n"
    r"(?P<body>.*?)^<!-- krate:end name=(?P=name) -->[ \t]*$",
    re.MULTILINE | re.DOTALL,
)


def is_binding(decision: Decision, update: AgentMemoryUpdate) -> bool:
    """Whether a decision is about the update as it is now."""
    status = update.status
    return (decision.head_commit, decision.diff_digest, decision.validation_report_digest) == (
        status.head_commit,
        status.diff_digest,
        status.validation_report_digest,
    )


def binding_decisions(update: AgentMemoryUpdate) -> tuple[Decision, ...]:
    """The last word of each reviewer about the update as it is now.

    An objection is to what is proposed, so it outlives a new judgement of the same; an approval doesn't.
    """
    last: dict[str, Decision] = {}
    for one in update.status.decisions:
        is_same = (one.head_commit, one.diff_digest) == (update.status.head_commit, update.status.diff_digest)
        if is_binding(one, update) or (is_same and one.decision is Verdict.REQUEST_CHANGES):
            last[one.actor] = one
    return tuple(last.values())


def approvers(update: AgentMemoryUpdate) -> tuple[str, ...]:
    """Who approves of the update as it is now."""
    return tuple(one.actor for one in binding_decisions(update) if one.decision is Verdict.APPROVE)


def outstanding_of(desk: Desk, update: AgentMemoryUpdate, checked: Checked) -> tuple[Requirement, ...]:
    """The reviews that are missing; one that was never needed isn't."""
    needed = checked.requirements if _needs_people(desk, update, checked) else ()
    missing = outstanding(needed, approvers(update))
    objections = [one for one in binding_decisions(update) if one.decision is Verdict.REQUEST_CHANGES]
    return (*missing, *(Requirement(kind="objection", subject=one.actor) for one in objections))


def _needs_people(desk: Desk, update: AgentMemoryUpdate, checked: Checked) -> bool:
    """Only generated blocks that the repository's owner lists are merged without anybody's approval."""
    spec = update.spec
    if spec.validation_policy.require_human_approval or spec.proposer.kind != "Controller":
        return True
    allowed = desk.policy.updates.auto_merge_generated
    return not only_generated(checked.merged.before, checked.merged.changed, allowed)


def only_generated(
    before: Mapping[str, bytes | None], after: Mapping[str, bytes | None], allowed: Sequence[str]
) -> bool:
    """Whether a change touches nothing but the listed generated blocks of ``MEMORY.md``, rightly marked."""
    if set(after) != {ENTRYPOINT} or not allowed:
        return False
    old, new = before.get(ENTRYPOINT), after[ENTRYPOINT]
    if old is None or new is None:
        return False
    texts = [data.decode("utf-8", "replace") for data in (old, new)]
    blocks = [list(_BLOCK.finditer(text)) for text in texts]
    if [one["name"] for one in blocks[0]] != [one["name"] for one in blocks[1]]:
        return False
    for was, now in zip(*blocks, strict=True):
        if now[0] != was[0] and (now["name"] not in allowed or block_digest(now["body"]) != now["digest"]):
            return False
    rest = [_BLOCK.sub(lambda match: match["name"], text) for text in texts]
    return rest[0] == rest[1]
