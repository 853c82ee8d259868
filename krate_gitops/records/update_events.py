"""What memory updates leave in the audit log: names, commits, digests and counts, never a word of what is proposed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.organization import namespace_of
from krate_gitops.records.audit_record import Actor, Decision, Digests, Entry, Memory, Metadata, Source, Stage, Target

ALLOWED = Decision(allowed=True, reason="Allowed")


class UpdateUse(msgspec.Struct, frozen=True, kw_only=True):
    """What all entries about one update share."""

    organization: str
    repository: str
    update: str
    actor: Actor
    correlation_id: str
    diff_digest: str
    source_run: str | None = None
    paths: Sequence[str] = ()
    idempotency_key: str | None = None


def update_proposed(
    use: UpdateUse, *, stage: Stage, result: str, head: str | None = None, pull_request: str | None = None
) -> Entry:
    """An update is about to be pushed, or was; ``result`` is that of its validation."""
    details = {
        "paths": list(use.paths),
        "validationResult": result,
        "headCommit": head,
        "pullRequest": pull_request,
    }
    return _entry(use, "MemoryUpdateProposed", "propose", stage, ALLOWED, details, commit=head)


def update_validated(
    use: UpdateUse, *, result: str, codes: Mapping[str, int], report_digest: str | None, commit: str
) -> Entry:
    """An update was judged on top of a commit; ``codes`` counts diagnostics by code."""
    details = {"validationResult": result, "counts": dict(codes), "reportDigest": report_digest}
    return _entry(use, "MemoryUpdateValidated", "validate", Stage.OUTCOME, ALLOWED, details, commit=commit)


def update_reviewed(
    use: UpdateUse, *, verdict: str, head: str | None, approved: bool, report_digest: str | None
) -> Entry:
    """Somebody said something about an update; ``approved`` whether nothing is missing any more."""
    decision = Decision(allowed=verdict == "approve", reason=verdict)
    details = {"decision": verdict, "headCommit": head, "approved": approved, "reportDigest": report_digest}
    return _entry(use, "MemoryUpdateReviewed", verdict, Stage.OUTCOME, decision, details, commit=head)


def update_merged(
    use: UpdateUse, *, stage: Stage, commit: str | None, reason: str = "Merged", severity: str | None = None
) -> Entry:
    """An update is about to reach the default branch, or did. ``reason`` tells one that went around the review."""
    decision = Decision(allowed=True, reason=reason)
    details = {"commit": commit, "reason": reason, "severity": severity}
    return _entry(use, "MemoryUpdateMerged", "merge", stage, decision, details, commit=commit)


def update_rejected(use: UpdateUse, *codes: str, stage: Stage, reason: str, phase: str) -> Entry:
    """An update ends without reaching the default branch."""
    decision = Decision(allowed=False, reason=reason, codes=codes)
    return _entry(use, "MemoryUpdateRejected", "reject", stage, decision, {"phase": phase, "reason": reason})


def update_denied(use: UpdateUse, operation: str, *codes: str, reason: str) -> Entry:
    """Somebody wanted something of an update that they may not have."""
    decision = Decision(allowed=False, reason=reason, codes=codes)
    return _entry(use, "MemoryUpdateRejected", operation, Stage.PREFLIGHT, decision, {"reason": reason})


def _entry(
    use: UpdateUse,
    type: str,
    operation: str,
    stage: Stage,
    decision: Decision,
    details: Mapping[str, Any],
    *,
    commit: str | None = None,
) -> Entry:
    return Entry(
        class_="memory",
        type=type,
        stage=stage,
        organization_ref=use.organization,
        namespace=namespace_of(use.organization),
        actor=use.actor,
        operation=operation,
        source=Source(controller="memory-updates", dispatch_run=use.source_run),
        target=Target(kind="AgentMemoryUpdate", name=use.update),
        decision=decision,
        digests=Digests(diff=use.diff_digest),
        memory=Memory(repository=use.repository, resolved_commit=commit),
        metadata=Metadata(correlation_id=use.correlation_id, idempotency_key=use.idempotency_key),
        details={
            "repository": use.repository,
            "update": use.update,
            "sourceRun": use.source_run,
            "diffDigest": use.diff_digest,
            "requester": {"kind": use.actor.kind, "name": use.actor.name},
            **{name: value for name, value in details.items() if value is not None},
        },
    )
