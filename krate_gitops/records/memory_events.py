"""What the use of memory leaves in the audit log: one function for each kind of entry.

They take ids, counts, digests, path patterns and kinds. Nothing of a memory's text, and nothing of a query's, has a
parameter here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.organization import namespace_of
from krate_gitops.records.audit_record import (
    Actor,
    Decision,
    Entry,
    Memory,
    Metadata,
    Source,
    Stage,
    Target,
)

_REPOSITORY = "AgentMemoryRepository"
_SNAPSHOT = "AgentMemorySnapshot"
_WITHHELD = "withheld"
_ALLOWED = Decision(allowed=True, reason="Allowed")


class MemoryUse(msgspec.Struct, frozen=True, kw_only=True):
    """What all entries of one operation share. ``repository`` is the memory repository's name."""

    organization: str
    repository: str
    actor: Actor
    correlation_id: str
    controller: str = "memory"
    dispatch_run: str | None = None
    session: str | None = None


def denied(reason: str, *codes: str) -> Decision:
    """A no, with its reason and error codes, for the functions that take a decision."""
    return Decision(allowed=False, reason=reason, codes=codes)


def ref_resolved(
    use: MemoryUse,
    *,
    requested_ref: str,
    mode: str,
    commit: str | None,
    require_approved_commit: bool = True,
    acknowledge_known_bad: bool = False,
    decision: Decision = _ALLOWED,
) -> Entry:
    """A ref, time or tag became a commit. ``mode`` is ``current``, ``explicit-ref``, ``ref-at-time``, ``snapshot-tag``.

    ``commit`` is ``None`` where a denial came before it was known.
    """
    return _entry(
        use,
        "MemoryRefResolved",
        "resolve",
        commit=commit,
        decision=decision,
        details={
            "requestedRef": requested_ref,
            "mode": mode,
            "requester": {"kind": use.actor.kind, "name": use.actor.name},
            # The defaults are no news.
            "requireApprovedCommit": None if require_approved_commit else False,
            "acknowledgeKnownBad": acknowledge_known_bad or None,
        },
    )


def query_executed(
    use: MemoryUse,
    *,
    commit: str,
    query_modes: Sequence[str],
    counts: Mapping[str, int],
    truncated: bool,
    query_manifest_digest: str,
    query_digest: str | None = None,
    denied_scopes: Sequence[str] = (),
    snapshot: str | None = None,
    preview: bool = False,
    decision: Decision = _ALLOWED,
) -> Entry:
    """A query was answered, or denied. ``query_digest`` is the digest of its text; ``preview`` that no run asked."""
    return _entry(
        use,
        "MemoryQueryExecuted",
        "query",
        commit=commit,
        snapshot=snapshot,
        decision=decision,
        details={
            "queryModes": list(query_modes),
            "counts": dict(counts),
            "truncated": truncated,
            "deniedScopes": list(denied_scopes),
            "queryManifestDigest": query_manifest_digest,
            "queryDigest": query_digest,
            "preview": preview,
        },
    )


def snapshot_created(
    use: MemoryUse,
    *,
    snapshot: str,
    commit: str,
    ontology_digest: str,
    index_digest: str,
    query_manifest_digest: str,
    counts: Mapping[str, int] | None = None,
) -> Entry:
    """A snapshot was stored."""
    return _entry(
        use,
        "MemorySnapshotCreated",
        "create",
        commit=commit,
        snapshot=snapshot,
        target=Target(kind=_SNAPSHOT, name=snapshot),
        details={
            "ontologyDigest": ontology_digest,
            "indexDigest": index_digest,
            "queryManifestDigest": query_manifest_digest,
            "counts": None if counts is None else dict(counts),
        },
    )


def snapshot_tagged(use: MemoryUse, *, tag: str | None, snapshot: str, commit: str) -> Entry:
    """A tag was given to a snapshot. Without its name: one is going to be, and whoever sees no more than that knows."""
    target = Target(kind=_SNAPSHOT, name=snapshot)
    entry = _entry(
        use, "MemorySnapshotTagged", "tag", commit=commit, snapshot=snapshot, target=target, details={"tag": tag}
    )
    return msgspec.structs.replace(entry, stage=Stage.OUTCOME if tag else Stage.INTENT)


def known_bad_changed(
    use: MemoryUse, *, known_bad_range: str, is_bad: bool, reason: str, commit: str | None, counts: Mapping[str, int]
) -> Entry:
    """Commits were marked as known to be bad, or no longer; ``counts`` says how many snapshots that covers."""
    return _entry(
        use,
        "MemoryKnownBadChanged",
        "mark-known-bad" if is_bad else "unmark-known-bad",
        commit=commit,
        decision=Decision(allowed=True, reason=reason),
        details={"knownBadRange": known_bad_range, "isBad": is_bad, "counts": dict(counts)},
    )


def ontology_invalid(use: MemoryUse, *, commit: str, parse_errors: int, errors: int, blocking: bool) -> Entry:
    """A commit's ontology can't be used; ``blocking`` that reads of the commit are refused for it."""
    return _entry(
        use,
        "MemoryOntologyInvalid",
        "validate",
        commit=commit,
        decision=Decision(allowed=not blocking, reason="OntologyInvalid"),
        details={"parseErrors": parse_errors, "errors": errors, "blocking": blocking},
    )


def tool_called(
    use: MemoryUse,
    *,
    tool: str,
    argument_digest: str,
    result_digest: str | None,
    commit: str,
    counts: Mapping[str, int],
    outcome: str,
    denied_scopes: Sequence[str] = (),
    snapshot: str | None = None,
    decision: Decision = _ALLOWED,
) -> Entry:
    """An agent called a memory tool; ``outcome`` is ``ok`` or an error code."""
    return _entry(
        use,
        "MemoryToolCalled",
        "call",
        commit=commit,
        snapshot=snapshot,
        decision=decision,
        details={
            "tool": tool,
            "argumentDigest": argument_digest,
            "resultDigest": result_digest,
            "counts": dict(counts),
            "deniedScopes": list(denied_scopes),
            "outcome": outcome,
        },
    )


def cross_org_denied(
    *, organization: str, actor: Actor, correlation_id: str, reference_kind: str, controller: str = "memory"
) -> Entry:
    """A reference into another organisation was refused. Only its kind is known afterwards."""
    return Entry(
        class_="policy-denial",
        type="CrossOrgReferenceDenied",
        organization_ref=organization,
        namespace=namespace_of(organization),
        actor=actor,
        operation="reference",
        source=Source(controller=controller),
        target=Target(kind=reference_kind, name=_WITHHELD),
        decision=denied("CrossOrgReference", "CROSS_ORG_REF_DENIED"),
        metadata=Metadata(correlation_id=correlation_id),
        details={"deniedReferenceKind": reference_kind},
    )


def _entry(
    use: MemoryUse,
    type: str,
    operation: str,
    *,
    commit: str | None,
    details: Mapping[str, Any],
    snapshot: str | None = None,
    target: Target | None = None,
    decision: Decision = _ALLOWED,
) -> Entry:
    return Entry(
        class_="memory",
        type=type,
        organization_ref=use.organization,
        namespace=namespace_of(use.organization),
        actor=use.actor,
        operation=operation,
        source=Source(controller=use.controller, dispatch_run=use.dispatch_run),
        target=target or Target(kind=_REPOSITORY, name=use.repository),
        decision=decision,
        memory=Memory(repository=use.repository, resolved_commit=commit, snapshot=snapshot),
        metadata=Metadata(correlation_id=use.correlation_id, agent_mux_session_id=use.session),
        details={"repository": use.repository, "commit": commit, "snapshot": snapshot, **details},
    )
