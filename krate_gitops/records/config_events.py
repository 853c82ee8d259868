"""What changes of config leave in the audit log: names, ids, digests and counts, never a value."""

from __future__ import annotations

from collections.abc import Mapping

from krate_gitops.organization import namespace_of
from krate_gitops.records.audit_record import Actor, Decision, Digests, Entry, Metadata, Source, Stage, Target
from krate_gitops.records.config_changes import ConfigChange

_ALLOWED = Decision(allowed=True, reason="Allowed")
_CONTROLLER = "config-writer"


def change_begun(change: ConfigChange, actor: Actor) -> Entry:
    """The intent: what is about to be pushed."""
    kind = "ConfigCommitMerged" if change.mode == "direct" else "ConfigCommitProposed"
    return _of(change, actor, kind, Stage.INTENT, _ALLOWED, None)


def change_proposed(change: ConfigChange, actor: Actor, pull_request: str | None) -> Entry:
    """A branch with the change was pushed, and there is a pull request of it."""
    return _of(change, actor, "ConfigCommitProposed", Stage.OUTCOME, _ALLOWED, pull_request)


def change_merged(change: ConfigChange, actor: Actor, pull_request: str | None = None) -> Entry:
    """The change is part of the target branch."""
    return _of(change, actor, "ConfigCommitMerged", Stage.OUTCOME, _ALLOWED, pull_request)


def change_rejected(change: ConfigChange, actor: Actor, *codes: str, reason: str) -> Entry:
    """The other side didn't take the push, or nobody merged the proposal."""
    decision = Decision(allowed=False, reason=reason, codes=codes)
    return _of(change, actor, "ConfigCommitRejected", Stage.OUTCOME, decision, None)


def write_denied(
    *,
    organization: str,
    source: str,
    repository: str,
    actor: Actor,
    correlation_id: str,
    change_digest: str,
    codes: tuple[str, ...],
    reason: str,
) -> Entry:
    """A write was refused by policy before there was a commit."""
    return _entry(
        organization,
        source,
        repository,
        actor,
        correlation_id,
        kind="ConfigCommitRejected",
        stage=Stage.PREFLIGHT,
        decision=Decision(allowed=False, reason=reason, codes=codes),
        details={"source": source, "changeDigest": change_digest, "requester": _who(actor)},
        change_digest=change_digest,
    )


def _of(
    change: ConfigChange, actor: Actor, kind: str, stage: Stage, decision: Decision, pull_request: str | None
) -> Entry:
    operations = [one.operation for one in change.objects]
    return _entry(
        change.organization,
        change.source,
        change.repository,
        actor,
        change.correlation_id,
        kind=kind,
        stage=stage,
        decision=decision,
        details={
            "source": change.source,
            "commit": change.commit,
            "baseCommit": change.base_commit,
            "changeDigest": change.change_digest,
            "planDigest": change.plan_digest,
            "counts": {name: operations.count(name) for name in sorted(set(operations))},
            "branch": change.branch,
            "mode": change.mode,
            "pullRequest": pull_request,
            "requester": _who(actor),
        },
        change_digest=change.change_digest,
        plan_digest=change.plan_digest,
        commit=change.commit,
        idempotency_key=change.idempotency_key,
    )


def _entry(
    organization: str,
    source: str,
    repository: str,
    actor: Actor,
    correlation_id: str,
    *,
    kind: str,
    stage: Stage,
    decision: Decision,
    details: Mapping[str, object],
    change_digest: str,
    plan_digest: str | None = None,
    commit: str | None = None,
    idempotency_key: str | None = None,
) -> Entry:
    return Entry(
        class_="config-change",
        type=kind,
        stage=stage,
        organization_ref=organization,
        namespace=namespace_of(organization),
        actor=actor,
        operation="write-config",
        source=Source(controller=_CONTROLLER, repository=repository, gitops_source=source, resolved_commit=commit),
        target=Target(kind="GitOpsSource", name=source),
        decision=decision,
        digests=Digests(diff=change_digest, plan=plan_digest),
        metadata=Metadata(correlation_id=correlation_id, idempotency_key=idempotency_key),
        details=details,
    )


def _who(actor: Actor) -> dict[str, str]:
    return {"kind": actor.kind, "name": actor.name}
