"""What run imports leave in the audit log: names, digests, counts and paths, never a word of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from krate_gitops.organization import namespace_of
from krate_gitops.records.audit_record import Actor, Decision, Digests, Entry, Memory, Metadata, Source, Stage, Target

_KIND = "AgentRunMemoryImport"
_ALLOWED = Decision(allowed=True, reason="Allowed")


class ImportUse(msgspec.Struct, frozen=True, kw_only=True):
    """What all entries about one import share. ``code_repository`` is the one the run worked for."""

    organization: str
    repository: str
    name: str
    actor: Actor
    correlation_id: str
    run: str
    code_repository: str
    session: str | None = None
    dispatch_run: str | None = None
    target_path: str = ""
    source_digest: str | None = None
    journal_digest: str | None = None
    idempotency_key: str | None = None


def import_collected(use: ImportUse, *, files: int, events: int, tier: str, partial: bool) -> Entry:
    """The source was read."""
    details = {"counts": {"files": files, "events": events}, "retentionTier": tier, "partial": partial or None}
    return _entry(use, "MemoryImportCollected", "collect", Stage.OUTCOME, _ALLOWED, details)


def import_redacted(
    use: ImportUse,
    *,
    counts: Mapping[str, int],
    injection: Mapping[str, int],
    verdict: str,
    redaction_digest: str | None,
    decision: Decision = _ALLOWED,
) -> Entry:
    """The source was cleaned, or couldn't be; ``counts`` are by kind, ``injection`` by category."""
    details = {
        "redactionCounts": dict(counts),
        "injectionCounts": dict(injection),
        "verdict": verdict,
        "redactionDigest": redaction_digest,
    }
    return _entry(use, "MemoryImportRedacted", "redact", Stage.OUTCOME, decision, details)


def import_validated(
    use: ImportUse, *, result: str, report_digest: str | None, paths: Sequence[str], update: str | None
) -> Entry:
    """The generated files were judged."""
    details = {"validationResult": result, "reportDigest": report_digest, "paths": list(paths), "update": update}
    return _entry(use, "MemoryImportValidated", "validate", Stage.OUTCOME, _ALLOWED, details)


def import_reviewed(use: ImportUse, *, verdict: str, head: str | None, diff_digest: str | None) -> Entry:
    """Somebody said something about an import."""
    decision = Decision(allowed=verdict == "approve", reason=verdict)
    details = {"decision": verdict, "headCommit": head, "diffDigest": diff_digest}
    return _entry(use, "MemoryImportReviewed", verdict, Stage.OUTCOME, decision, details, commit=head)


def import_merged(use: ImportUse, *, commit: str | None, stage: Stage = Stage.OUTCOME, reason: str = "Merged") -> Entry:
    """An import is about to reach the default branch, did, or was found there."""
    decision = Decision(allowed=True, reason=reason)
    return _entry(use, "MemoryImportMerged", "merge", stage, decision, {"commit": commit}, commit=commit)


def import_ended(use: ImportUse, *codes: str, operation: str, reason: str) -> Entry:
    """An import ended without reaching the default branch, or was refused."""
    decision = Decision(allowed=False, reason=reason, codes=codes)
    return _entry(use, _REFUSED[operation], operation, Stage.OUTCOME, decision, {"reason": reason})


_REFUSED = {
    "collect": "MemoryImportCollected",
    "redact": "MemoryImportRedacted",
    "validate": "MemoryImportValidated",
    "reject": "MemoryImportReviewed",
    "merge": "MemoryImportMerged",
}


def _entry(
    use: ImportUse,
    type: str,
    operation: str,
    stage: Stage,
    decision: Decision,
    details: Mapping[str, Any],
    *,
    commit: str | None = None,
) -> Entry:
    return Entry(
        class_="memory-import",
        type=type,
        stage=stage,
        organization_ref=use.organization,
        namespace=namespace_of(use.organization),
        actor=use.actor,
        operation=operation,
        source=Source(controller="memory-imports", dispatch_run=use.dispatch_run),
        target=Target(kind=_KIND, name=use.name),
        decision=decision,
        digests=Digests(journal=use.journal_digest),
        memory=Memory(repository=use.repository, resolved_commit=commit),
        metadata=Metadata(
            correlation_id=use.correlation_id,
            agent_mux_session_id=use.session,
            idempotency_key=use.idempotency_key,
        ),
        details={
            "repository": use.repository,
            "sourceRun": use.run,
            "sourceRepository": use.code_repository,
            "sourceSession": use.session,
            "sourceDigest": use.source_digest,
            "journalDigest": use.journal_digest,
            "targetPaths": [use.target_path],
            **{name: value for name, value in details.items() if value is not None},
        },
    )
