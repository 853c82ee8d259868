"""Events of memory and config: what consumers of a stream see of the audit log.

An event is computed from a record and from nothing else. So there is none without its record, both tell the same, and
one that is delivered twice has the same id.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from krate_gitops.records.audit_record import AuditRecord, Stage


class Subject(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the event is about; the order of events is kept for each subject."""

    kind: str
    name: str
    uid: str | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """The envelope. ``id`` is unique in the organisation; ids of the operation that are not known are left out.

    ``dispatchRunUid`` and ``attemptUid`` are the run and the attempt as the record names them.
    """

    id: str
    type: str
    time: str
    producer: str
    organization_ref: str
    namespace: str
    subject: Subject
    severity: str
    data: Mapping[str, Any]
    correlation_id: str
    source_event_uid: str | None = None
    trigger_execution_uid: str | None = None
    dispatch_run_uid: str | None = None
    attempt_uid: str | None = None
    agent_mux_run_id: str | None = None
    agent_mux_session_id: str | None = None
    resolved_commit: str | None = None
    gitops_source: str | None = None
    memory_repository: str | None = None
    memory_commit: str | None = None
    memory_snapshot: str | None = None
    sharing_policy_id: str | None = None


class _Form(msgspec.Struct, frozen=True):
    """How records of a type become events: its name, and the key of ``data`` for each key of the details."""

    type: str
    data: Mapping[str, str]
    severity: str = "info"
    of_denials: bool = False
    """Whether a record that says no is an event too."""


_CONFIG = {"changeDigest": "changeDigest", "branch": "branch", "pullRequest": "pullRequest", "requester": "actor"}

_FORMS: Mapping[str, _Form] = {
    "ConfigCommitProposed": _Form("gitops.config.proposed", _CONFIG),
    "ConfigCommitMerged": _Form("gitops.config.merged", _CONFIG),
    "ConfigCommitRejected": _Form("gitops.config.rejected", _CONFIG, severity="warning", of_denials=True),
    "MemoryRefResolved": _Form(
        "agent.memory.ref.resolved",
        {"requestedRef": "requestedRef", "commit": "resolvedCommit", "mode": "mode", "requester": "requester"},
    ),
    "MemoryQueryExecuted": _Form(
        "agent.memory.query.executed",
        {
            "snapshot": "snapshot",
            "queryModes": "queryModes",
            "counts": "resultCounts",
            "truncated": "truncated",
            "deniedScopes": "deniedScopes",
            "preview": "preview",
        },
    ),
    "MemorySnapshotCreated": _Form(
        "agent.memory.snapshot.created",
        {
            "snapshot": "snapshot",
            "commit": "commit",
            "ontologyDigest": "ontologyDigest",
            "indexDigest": "indexDigest",
            "queryManifestDigest": "queryManifestDigest",
        },
    ),
    "MemoryUpdateProposed": _Form(
        "agent.memory.update.proposed",
        {
            "update": "update",
            "sourceRun": "sourceRun",
            "paths": "paths",
            "diffDigest": "diffDigest",
            "validationResult": "validationResult",
        },
    ),
    "MemoryUpdateReviewed": _Form(
        "agent.memory.update.approved", {"update": "update", "requester": "actor", "decision": "reason"}
    ),
    "MemoryUpdateMerged": _Form(
        "agent.memory.update.merged",
        {"update": "update", "requester": "actor", "reason": "reason", "commit": "resultingCommit"},
    ),
    "MemoryUpdateRejected": _Form(
        "agent.memory.update.rejected",
        {"update": "update", "requester": "actor", "reason": "reason"},
        severity="warning",
        of_denials=True,
    ),
    "MemoryOntologyInvalid": _Form(
        "agent.memory.ontology.invalid",
        {
            "repository": "repository",
            "commit": "commit",
            "parseErrors": "parseErrors",
            "errors": "errors",
            "blocking": "blocking",
        },
        severity="error",
        of_denials=True,
    ),
}


def _severity(record: AuditRecord, form: _Form) -> str:
    """That of the record itself, where it tells one, such as of a merge that went around the review."""
    told = record.details.get("severity")
    return told if isinstance(told, str) and told else form.severity


def event_of(record: AuditRecord) -> Event | None:
    """The event of a record, or ``None`` for records that are none: other types, denials, and what is yet to happen."""
    form = _FORMS.get(record.type)
    if form is None or record.stage != Stage.OUTCOME or not (record.decision.allowed or form.of_denials):
        return None
    return Event(
        id=f"evt-{record.sequence:016d}",
        type=form.type,
        time=record.time,
        producer=record.source.controller,
        organization_ref=record.organization_ref,
        namespace=record.namespace,
        subject=Subject(kind=record.target.kind, name=record.target.name, uid=record.target.uid),
        severity=_severity(record, form),
        data={name: record.details[key] for key, name in form.data.items() if key in record.details},
        correlation_id=record.metadata.correlation_id,
        source_event_uid=record.metadata.source_event_uid,
        trigger_execution_uid=record.metadata.trigger_execution_uid,
        dispatch_run_uid=record.source.dispatch_run,
        attempt_uid=record.source.attempt,
        agent_mux_run_id=record.metadata.agent_mux_run_id,
        agent_mux_session_id=record.metadata.agent_mux_session_id,
        resolved_commit=record.source.resolved_commit,
        gitops_source=record.source.gitops_source,
        memory_repository=record.memory.repository,
        memory_commit=record.memory.resolved_commit,
        memory_snapshot=record.memory.snapshot,
        sharing_policy_id=record.cross_org.sharing_policy_id,
    )
